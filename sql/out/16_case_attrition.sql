-- One row per step from the persons of the delivery to the cases with a response imaging order; the rows add up.
-- Persons without an invasive cancer leave first; from then on each row counts cancers.
with

step as (

    select
        step,
        kind,
        reason,
        label
    from rule.attrition_step
    where funnel = 'cases'

),

responded as (

    select distinct case_id
    from core.response_order
    where reading = 'as_defined'

),

fate as (

    select
        neoadjuvant_case.case_id,
        neoadjuvant_case.patient_id,
        case
            when not neoadjuvant_case.is_case then neoadjuvant_case.not_case_reason
            when responded.case_id is not null and neoadjuvant_case.is_operated_after
                then 'operated_with_response_order'
            when neoadjuvant_case.is_operated_after then 'operated_without_response_order'
            when responded.case_id is not null then 'unoperated_with_response_order'
            else 'unoperated_without_response_order'
        end as reason
    from core.neoadjuvant_case as neoadjuvant_case
    left join responded
        on responded.case_id = neoadjuvant_case.case_id

),

counted as (

    select
        'persons' as reason,
        0 as n_cases,
        count(*) as n_patients
    from stg.patient_span
    union all
    select 'no_invasive_cancer', 0, count(*)
    from stg.patient_span as patient_span
    left join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = patient_span.patient_id
    where cancer_patient.patient_id is null
    union all
    select 'cancers', count(*), count(distinct patient_id)
    from fate
    union all
    select reason, count(*), count(distinct patient_id)
    from fate
    group by reason

)

select
    step.step,
    step.kind,
    step.reason,
    step.label,
    coalesce(counted.n_cases, 0) as n_cases,
    coalesce(counted.n_patients, 0) as n_patients
from step
left join counted
    on counted.reason = step.reason
