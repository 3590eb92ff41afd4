-- One row per imaging order line of a patient with an invasive breast cancer: its day, its side and its cancer (SPEC 4).
-- case_id is null for a line from before the first cancer's work-up.
with

clocked as (

    select
        order_line.*,
        imaging_line.kind,
        imaging_line.procedure,
        imaging_line.purpose,
        imaging_line.requires,
        imaging_line.contrast_assumed,
        case
            when parameter.clock = 'ordered' then order_line.ordered_on
            else coalesce(order_line.performed_on, order_line.scheduled_on, order_line.ordered_on)
        end as clock_on,
        coalesce(imaging_line.code_laterality, order_line.laterality, modifier_side.laterality) as side
    from core.imaging_line as imaging_line
    inner join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = imaging_line.patient_id
    inner join stg.order_line as order_line
        on order_line.order_id = imaging_line.order_id
    left join stg.modifier_side as modifier_side
        on modifier_side.modifiers = order_line.modifiers
    cross join stg.parameter as parameter

),

owned as (

    select
        clocked.order_id,
        cancer.case_id
    from clocked
    inner join core.cancer as cancer
        on cancer.patient_id = clocked.patient_id
    cross join stg.parameter as parameter
    where
        cancer.diagnosed_on <= clocked.clock_on
        or (
            cancer.cancer_number = 1
            and clocked.clock_on >= cancer.diagnosed_on - parameter.workup_days
        )
    qualify
        row_number() over (
            partition by clocked.order_id
            order by cancer.cancer_number desc
        ) = 1

)

select
    clocked.*,
    owned.case_id
from clocked
left join owned
    on owned.order_id = clocked.order_id
