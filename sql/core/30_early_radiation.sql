-- One row per cancer whose breast was irradiated before systemic therapy began: the first such row (SPEC 3.6).
-- Radiation rows and their sides are read as those of surgery.
with

radiation_row as (

    select
        procedure.procedure_id as row_id,
        procedure.patient_id,
        procedure.performed_on as day,
        coalesce(value_set.laterality, procedure.laterality) as laterality
    from stg.procedure as procedure
    inner join rule.radiation as value_set
        on
            value_set.code_system = procedure.code_system
            and value_set.code = procedure.code
            and value_set.role = 'delivery'
    where procedure.status is null or procedure.status not in ('cancelled', 'entered_in_error')
    union all
    select
        order_line.order_id as row_id,
        order_line.patient_id,
        coalesce(order_line.performed_on, order_line.ordered_on) as day,
        coalesce(value_set.laterality, order_line.laterality, modifier_side.laterality) as laterality
    from stg.order_line as order_line
    inner join rule.radiation as value_set
        on
            value_set.code_system = order_line.code_system
            and value_set.code = order_line.code
            and value_set.role = 'delivery'
    left join stg.modifier_side as modifier_side
        on modifier_side.modifiers = order_line.modifiers
    where order_line.status = 'completed'

)

select
    cancer.case_id,
    radiation_row.row_id as radiation_id
from core.cancer as cancer
inner join core.candidate_start as candidate_start
    on candidate_start.case_id = cancer.case_id
inner join radiation_row
    on radiation_row.patient_id = cancer.patient_id
cross join stg.parameter as parameter
where
    radiation_row.day >= cancer.diagnosed_on - parameter.therapy_grace_days
    and radiation_row.day < candidate_start.candidate_start_on
    and (
        radiation_row.laterality is null
        or radiation_row.laterality = 'bilateral'
        or (radiation_row.laterality = 'left' and cancer.may_be_left)
        or (radiation_row.laterality = 'right' and cancer.may_be_right)
    )
qualify
    row_number() over (
        partition by cancer.case_id
        order by radiation_row.day, radiation_row.row_id
    ) = 1
