-- One row per row that records a definitive breast surgery, done or planned (SPEC 3.4, 3.8).
-- Codes marked conditional count only where the settings name them.
with

definitive as (

    select
        surgery.code_system,
        surgery.code,
        surgery.laterality
    from rule.surgery as surgery
    left join rule.conditional_surgery as named
        on
            named.code_system = surgery.code_system
            and named.code = surgery.code
    where
        surgery.definitive = 'yes'
        or (surgery.definitive = 'conditional' and named.code is not null)

),

surgery_row as (

    select
        'procedures' as extract,
        procedure.procedure_id as row_id,
        procedure.patient_id,
        procedure.performed_on as day,
        coalesce(definitive.laterality, procedure.laterality) as laterality,
        true as is_done,
        false as is_planned
    from stg.procedure as procedure
    inner join definitive
        on
            definitive.code_system = procedure.code_system
            and definitive.code = procedure.code
    where procedure.status is null or procedure.status not in ('cancelled', 'entered_in_error')
    union all
    select
        'orders' as extract,
        order_line.order_id as row_id,
        order_line.patient_id,
        case
            when order_line.status = 'completed'
                then coalesce(order_line.performed_on, order_line.ordered_on)
            else order_line.ordered_on
        end as day,
        coalesce(definitive.laterality, order_line.laterality, modifier_side.laterality) as laterality,
        order_line.status = 'completed' as is_done,
        order_line.status <> 'completed' as is_planned
    from stg.order_line as order_line
    inner join definitive
        on
            definitive.code_system = order_line.code_system
            and definitive.code = order_line.code
    left join stg.modifier_side as modifier_side
        on modifier_side.modifiers = order_line.modifiers
    where order_line.status in ('completed', 'active', 'scheduled')

)

select
    surgery_row.extract,
    surgery_row.row_id,
    surgery_row.patient_id,
    surgery_row.day,
    surgery_row.laterality is null or surgery_row.laterality in ('left', 'bilateral') as may_be_left,
    surgery_row.laterality is null or surgery_row.laterality in ('right', 'bilateral') as may_be_right,
    surgery_row.is_done,
    surgery_row.is_planned
from surgery_row
inner join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = surgery_row.patient_id
