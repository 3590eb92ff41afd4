-- One row per order of that id: the order as it was read, and the exam that its code reaches.
select
    order_line.order_id,
    order_line.patient_id,
    order_line.part,
    order_line.line,
    order_line.code_system,
    order_line.code,
    order_line.order_type,
    order_line.status as order_status,
    order_line.ordered_on,
    order_line.scheduled_on,
    order_line.performed_on,
    order_line.laterality as stated_laterality,
    order_line.modifiers,
    order_line.context,
    order_line.reason_codes,
    coalesce(exam_line.procedure, imaging_line.procedure) as procedure,
    procedure.label as procedure_label,
    coalesce(exam_line.kind, imaging_line.kind) as kind,
    coalesce(exam_line.purpose, imaging_line.purpose) as purpose,
    coalesce(exam_line.side, imaging_line.code_laterality) as line_laterality
from stg.order_line as order_line
left join core.imaging_line as imaging_line
    on imaging_line.order_id = order_line.order_id
left join core.exam_line as exam_line
    on exam_line.order_id = order_line.order_id
left join rule.procedure as procedure
    on procedure.procedure = coalesce(exam_line.procedure, imaging_line.procedure)
where order_line.order_id = $order_id
