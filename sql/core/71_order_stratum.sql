-- One row per imaging order line of a case with the strata by which it is counted (SPEC 8).
-- Age is that of the year of the exam; without a calendar it is unknown.
select
    exam_line.order_id,
    exam_line.case_id,
    coalesce(exam_line.site_id, 'unknown') as site,
    coalesce(line_alias.alias_procedure, exam_line.procedure, 'unmapped') as procedure,
    coalesce(exam_line.payer, 'unknown') as payer,
    neoadjuvant_case.therapy_class,
    neoadjuvant_case.intent_tier,
    coalesce(patient.sex, 'unknown') as sex,
    coalesce(patient.gender_identity, 'unknown') as gender_identity,
    coalesce(patient.race, 'unknown') as race,
    coalesce(patient.ethnicity, 'unknown') as ethnicity,
    coalesce(patient.breast_density, 'unknown') as breast_density,
    coalesce(age_band.age_band, 'unknown') as age_band
from core.exam_line as exam_line
inner join core.neoadjuvant_case as neoadjuvant_case
    on
        neoadjuvant_case.case_id = exam_line.case_id
        and neoadjuvant_case.is_case
left join core.line_alias as line_alias
    on line_alias.order_id = exam_line.order_id
left join stg.patient as patient
    on patient.patient_id = exam_line.patient_id
cross join stg.parameter as parameter
left join rule.age_band as age_band
    on
        parameter.has_calendar
        and year(exam_line.clock_on) - patient.birth_year >= age_band.from_age
        and year(exam_line.clock_on) - patient.birth_year <= age_band.to_age
