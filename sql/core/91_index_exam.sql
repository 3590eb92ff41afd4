-- One row per index order of a counted case, with what secondary measures ask of it.
-- Its sides are those of its exam, as in the label: an exam speaks with one voice (DECISIONS 8).
select
    index_order.measure,
    index_order.order_id,
    index_order.exam_id,
    index_order.case_id,
    counted_case.patient_id,
    index_order.index_on,
    index_order.ordered_on,
    exam_line.performed_on,
    exam_line.status,
    index_order.kind,
    exam_line.procedure,
    exam_line.exam_family,
    exam.may_be_left,
    exam.may_be_right,
    index_order.is_appropriate,
    index_order.exception,
    counted_case.first_dose_on,
    counted_case.last_dose_on,
    counted_case.surgery_on,
    counted_case.covered_to
from core.index_order as index_order
inner join core.counted_case as counted_case
    on counted_case.case_id = index_order.case_id
inner join core.exam_line as exam_line
    on exam_line.order_id = index_order.order_id
inner join core.exam as exam
    on exam.exam_id = index_order.exam_id
where index_order.reading = 'as_defined'
