-- One row per case and procedure performed before surgery: how often, and the adult radiation bands added up as a range.
-- Bands of a standard adult, not doses, and no midpoint; null where the level of the procedure is not known. The
-- avoidable part is what was rated not appropriate, net of the alternative (DECISIONS 66).
select
    performed_exam.case_id,
    neoadjuvant_case.patient_id,
    performed_exam.procedure,
    performed_exam.radiation_level,
    count(*) as n_exams,
    round(sum(performed_exam.msv_low), 1) as msv_low,
    round(sum(performed_exam.msv_high), 1) as msv_high,
    count(*) filter (where performed_exam.is_avoidable) as n_avoidable,
    case
        when count(*) filter (where performed_exam.is_avoidable) = 0 then 0
        else round(sum(performed_exam.avoidable_msv_low) filter (where performed_exam.is_avoidable), 1)
    end as avoidable_msv_low,
    case
        when count(*) filter (where performed_exam.is_avoidable) = 0 then 0
        else round(sum(performed_exam.avoidable_msv_high) filter (where performed_exam.is_avoidable), 1)
    end as avoidable_msv_high
from core.performed_exam as performed_exam
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = performed_exam.case_id
group by
    performed_exam.case_id,
    neoadjuvant_case.patient_id,
    performed_exam.procedure,
    performed_exam.radiation_level
