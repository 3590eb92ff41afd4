-- One row per imaging order line of a case, with what each row of the router asks of it (SPEC 6).
-- by_context and by_record are kept apart: a ticked box alone must not buy a better figure.
select
    phase.order_id,
    phase.phase,
    -- An order may lack a status (SPEC 1): it is then not cancelled.
    exam_line.status is not null and exam_line.status in ('cancelled', 'entered_in_error') as is_cancelled,
    case
        when parameter.has_calendar
            then year(exam_line.clock_on) - patient.birth_year < parameter.adult_age
    end as is_under_age,
    exam_line.exam_id <> exam_line.order_id as is_collapsed,
    no_exam.procedure is null as is_exam,
    exam_line.kind = 'not_breast_code' as is_not_breast_code,
    exam_line.purpose = 'guidance' as is_guidance_by_code,
    guidance_evidence.biopsy_id,
    exam_line.purpose = 'screening' as is_screening_by_code,
    exam.says_screening,
    exam.screening_code,
    exam.says_response,
    exam.says_progression,
    progression.finding_id as progression_id,
    exam.says_discordant,
    discordance.finding_id as discordance_id,
    exam.says_metastasis,
    exam.metastasis_code,
    metastasis_evidence.metastasis_id,
    exam_line.is_axillary,
    exam.says_axilla and not exam.says_response as says_axilla,
    not exam_line.response_pool as is_other_purpose,
    (
        exam.laterality = 'left' and neoadjuvant_case.laterality = 'right'
    ) or (
        exam.laterality = 'right' and neoadjuvant_case.laterality = 'left'
    ) as is_contralateral
from core.phase as phase
inner join core.exam_line as exam_line
    on exam_line.order_id = phase.order_id
inner join core.exam as exam
    on exam.exam_id = exam_line.exam_id
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = exam_line.case_id
left join rule.no_exam as no_exam
    on no_exam.procedure = exam_line.procedure
left join stg.patient as patient
    on patient.patient_id = exam_line.patient_id
left join core.guidance_evidence as guidance_evidence
    on guidance_evidence.order_id = phase.order_id
left join core.finding_evidence as progression
    on
        progression.order_id = phase.order_id
        and progression.kind = 'progression'
left join core.finding_evidence as discordance
    on
        discordance.order_id = phase.order_id
        and discordance.kind = 'discordance'
left join core.metastasis_evidence as metastasis_evidence
    on metastasis_evidence.order_id = phase.order_id
cross join stg.parameter as parameter
