-- One row per row of the delivery with that order id: where it left the audit, or how far it came.
-- The words are those of the funnel in out.attrition; problems name columns and reasons, never values.
select
    line_fate.order_id,
    line_fate.part,
    line_fate.line,
    line_fate.reason,
    attrition_step.label,
    order_read.problems
from core.line_fate as line_fate
inner join stg.order_read as order_read
    on
        order_read.part = line_fate.part
        and order_read.line = line_fate.line
left join rule.attrition_step as attrition_step
    on
        attrition_step.funnel = 'orders'
        and attrition_step.reason = line_fate.reason
where line_fate.order_id = $order_id
order by line_fate.part, line_fate.line
