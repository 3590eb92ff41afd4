-- One row per course and completion lead with which an order for definitive breast surgery says that the course is over:
-- the first such order (SPEC 3.8).
select
    cancer.case_id,
    lead_time.completion_lead_days,
    surgery_row.row_id as planned_surgery_id
from core.cancer as cancer
inner join core.course as course
    on course.case_id = cancer.case_id
inner join core.surgery_row as surgery_row
    on surgery_row.patient_id = cancer.patient_id
cross join (select distinct completion_lead_days from core.timing) as lead_time
where
    surgery_row.is_planned
    and surgery_row.day >= course.last_dose_on - lead_time.completion_lead_days
    and (
        (cancer.may_be_left and surgery_row.may_be_left)
        or (cancer.may_be_right and surgery_row.may_be_right)
    )
qualify
    row_number() over (
        partition by cancer.case_id, lead_time.completion_lead_days
        order by surgery_row.day, surgery_row.row_id
    ) = 1
