-- One row per therapy event of the course of the case that the order belongs to.
select
    course_event.extract,
    course_event.row_id,
    course_event.agent,
    course_event.therapy_class,
    course_event.started_on,
    course_event.covers_to,
    course_event.intent
from core.case_line as case_line
inner join core.course_event as course_event
    on course_event.case_id = case_line.case_id
where case_line.order_id = $order_id
order by course_event.started_on, course_event.row_id, course_event.extract
