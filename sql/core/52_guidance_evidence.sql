-- One row per imaging order line that belongs to a biopsy, clip or localisation of the same day (router row 5).
-- Response assessment said in so many words keeps the exam in.
select
    exam_line.order_id,
    min(biopsy_day.row_id) as biopsy_id
from core.exam_line as exam_line
inner join core.exam as exam
    on exam.exam_id = exam_line.exam_id
inner join core.biopsy_day as biopsy_day
    on
        biopsy_day.patient_id = exam_line.patient_id
        and biopsy_day.day = exam_line.event_on
where
    not exam.says_response
    and not (biopsy_day.extract = 'orders' and biopsy_day.row_id = exam_line.order_id)
    and (
        exam_line.exam_family = 'mammography'
        or (exam_line.exam_family = 'us_breast' and biopsy_day.kind = 'localisation')
    )
    and (
        (exam.may_be_left and biopsy_day.may_be_left)
        or (exam.may_be_right and biopsy_day.may_be_right)
    )
group by exam_line.order_id
