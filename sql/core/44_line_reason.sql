-- One row per imaging order line of a cancer patient, reason code that it carries and concept the code means.
-- Reason codes are ICD-10-CM and compared like any code: trimmed, upper-cased, without the dot.
with

written as (

    select
        order_line.order_id,
        unnest(string_split(order_line.reason_codes, ';')) as reason
    from stg.order_line as order_line
    inner join core.imaging_line as imaging_line
        on imaging_line.order_id = order_line.order_id
    inner join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = order_line.patient_id
    where order_line.reason_codes is not null

),

reason as (

    select distinct
        order_id,
        replace(upper(trim(reason)), '.', '') as code
    from written

)

select distinct
    reason.order_id,
    reason.code,
    value_set.concept
from reason
inner join rule.diagnosis as value_set
    on
        value_set.code_system = 'ICD10CM'
        and value_set.code = reason.code
