-- One row per imaging order line of a case with the strata by which it is counted (SPEC 8).
-- Age is that of the year of the exam; without a calendar it is unknown.
select
    exam_line.order_id,
    exam_line.case_id,
    coalesce(exam_line.site_id, 'unknown') as site,
    coalesce(exam_line.procedure, 'unmapped') as procedure,
    coalesce(exam_line.payer, 'unknown') as payer,
    neoadjuvant_case.therapy_class,
    neoadjuvant_case.intent_tier,
    coalesce(patient.sex, 'unknown') as sex,
    coalesce(patient.gender_identity, 'unknown') as gender_identity,
    coalesce(patient.race, 'unknown') as race,
    coalesce(patient.ethnicity, 'unknown') as ethnicity,
    coalesce(patient.breast_density, 'unknown') as breast_density,
    case
        when not parameter.has_calendar or patient.birth_year is null then 'unknown'
        when year(exam_line.clock_on) - patient.birth_year < 40 then 'under 40'
        when year(exam_line.clock_on) - patient.birth_year < 50 then '40 to 49'
        when year(exam_line.clock_on) - patient.birth_year < 60 then '50 to 59'
        when year(exam_line.clock_on) - patient.birth_year < 70 then '60 to 69'
        else '70 and over'
    end as age_band
from core.exam_line as exam_line
inner join core.neoadjuvant_case as neoadjuvant_case
    on
        neoadjuvant_case.case_id = exam_line.case_id
        and neoadjuvant_case.is_case
left join stg.patient as patient
    on patient.patient_id = exam_line.patient_id
cross join stg.parameter as parameter
