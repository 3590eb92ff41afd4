-- One row per patient and day with a row of any named drug, counted or not, not cancelled or entered in error.
-- On such a day an infusion code that names no agent adds nothing (SPEC 3.2), nor, where the drug suppresses the ovaries,
-- the code of the injection that it was given by (DECISIONS 120).
with

row_of_drug as (

    select
        therapy.patient_id,
        therapy.started_on as day,
        therapy.code_system,
        therapy.code,
        therapy.status
    from stg.therapy as therapy
    union all
    select
        order_line.patient_id,
        order_line.event_on as day,
        order_line.code_system,
        order_line.code,
        order_line.status
    from stg.order_line as order_line

)

select
    row_of_drug.patient_id,
    row_of_drug.day,
    bool_or(value_set.therapy_class = 'ovarian_suppression') as has_ovarian_suppression
from row_of_drug
inner join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = row_of_drug.patient_id
inner join rule.therapy as value_set
    on
        value_set.code_system = row_of_drug.code_system
        and value_set.code = row_of_drug.code
where
    value_set.agent is not null
    and (row_of_drug.status is null or row_of_drug.status not in ('cancelled', 'entered_in_error'))
group by row_of_drug.patient_id, row_of_drug.day
