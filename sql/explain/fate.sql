-- One row per row of the delivery with that order id: where it left the audit, or how far it came.
-- The words are those of the funnel in out.attrition; problems name columns and reasons, never values.
with

-- A row that is counted and not kept has only a number for its id.
other_fate as (

    select
        other_order.part,
        other_order.line,
        case
            when other_order.ordered_on > patient_span.as_of then 'after_as_of'
            when code_reach.kind is null then 'not_imaging'
            else 'no_invasive_cancer'
        end as reason
    from raw.other_order as other_order
    inner join stg.patient_span as patient_span
        on patient_span.patient_id = other_order.patient_id
    left join core.code_reach as code_reach
        on
            code_reach.code_system = other_order.code_system
            and code_reach.code = other_order.code
            and code_reach.ordered_on = other_order.ordered_on
            and coalesce(code_reach.order_type, '') = coalesce(other_order.order_type, '')
    where other_order.key_number = cast(hash(trim(cast($order_id as varchar))) >> 1 as bigint)

),

fate as (

    select
        line_fate.part,
        line_fate.line,
        line_fate.reason,
        order_read.problems,
        true as is_kept
    from core.line_fate as line_fate
    inner join stg.order_read as order_read
        on
            order_read.part = line_fate.part
            and order_read.line = line_fate.line
    where line_fate.order_id = $order_id
    union all
    select
        part,
        line,
        reason,
        null as problems,
        false as is_kept
    from other_fate

)

select
    cast($order_id as varchar) as order_id,
    fate.part,
    fate.line,
    fate.reason,
    attrition_step.label,
    fate.problems,
    fate.is_kept
from fate
left join rule.attrition_step as attrition_step
    on
        attrition_step.funnel = 'orders'
        and attrition_step.reason = fate.reason
order by fate.part, fate.line
