-- One row per course and completion lead: is it closed, so that its last dose is known to be the last (SPEC 3.8)?
select
    course.case_id,
    lead_time.completion_lead_days,
    planned_surgery.planned_surgery_id,
    case when case_surgery.surgery_on > course.candidate_start_on then true else false end
    or cancer.covered_to - course.last_dose_on > parameter.course_gap_days
    or planned_surgery.planned_surgery_id is not null as is_closed
from core.course as course
inner join core.cancer as cancer
    on cancer.case_id = course.case_id
cross join (select distinct completion_lead_days from core.timing) as lead_time
left join core.case_surgery as case_surgery
    on case_surgery.case_id = course.case_id
left join core.planned_surgery as planned_surgery
    on
        planned_surgery.case_id = course.case_id
        and planned_surgery.completion_lead_days = lead_time.completion_lead_days
cross join stg.parameter as parameter
