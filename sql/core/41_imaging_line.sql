-- One row per imaging order line that is read and kept, and what its code reaches (SPEC 5).
select
    order_line.order_id,
    order_line.patient_id,
    code_reach.kind,
    code_reach.procedure,
    code_reach.purpose,
    code_reach.support,
    code_reach.requires,
    code_reach.code_laterality,
    code_reach.contrast_assumed,
    code_reach.is_outside_valid_dates
from stg.order_line as order_line
inner join core.code_reach as code_reach
    on
        code_reach.code_system = order_line.code_system
        and code_reach.code = order_line.code
        and code_reach.ordered_on = order_line.ordered_on
        and coalesce(code_reach.order_type, '') = coalesce(order_line.order_type, '')
where code_reach.kind is not null
