-- One row per order line of the exam that the order belongs to; the representative comes first.
select
    other.order_id,
    other.exam_id = other.order_id as is_representative,
    other.code_system,
    other.code,
    other.procedure,
    procedure.label as procedure_label,
    other.side as laterality,
    other.ordered_on,
    other.clock_on
from core.exam_line as exam_line
inner join core.exam_line as other
    on other.exam_id = exam_line.exam_id
left join rule.procedure as procedure
    on procedure.procedure = other.procedure
where exam_line.order_id = $order_id
order by is_representative desc, other.order_id
