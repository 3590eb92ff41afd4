-- One row per cancer with an exposure that can start a course: the earliest such event (SPEC 3.5).
select
    cancer.case_id,
    case_event.started_on as candidate_start_on,
    case_event.row_id as candidate_therapy_id
from core.cancer as cancer
inner join core.case_event as case_event
    on case_event.case_id = cancer.case_id
cross join stg.parameter as parameter
where
    not case_event.is_continuation
    and case_event.started_on <= cancer.diagnosed_on + parameter.therapy_start_max_days
qualify
    row_number() over (
        partition by cancer.case_id
        order by case_event.started_on, case_event.row_id, case_event.extract
    ) = 1
