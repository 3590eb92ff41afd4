-- One row per course: the ids of the events that set its first and its last dose and its intent.
-- Ties go to the lowest row id, so that a re-run names the same row.
with

event as (

    select
        course_event.case_id,
        course_event.row_id,
        course_event.extract,
        course_event.started_on,
        course_event.intent,
        least(
            course_event.covers_to,
            case
                when case_surgery.surgery_on > course.candidate_start_on
                    then case_surgery.surgery_on - 1
                else course_event.covers_to
            end
        ) as ends_on,
        course.first_dose_on,
        course.last_dose_on,
        course_event.therapy_class in ('chemotherapy', 'unspecified')
        or not course.is_set_by_cytotoxic as is_deciding
    from core.course_event as course_event
    inner join core.course as course
        on course.case_id = course_event.case_id
    left join core.case_surgery as case_surgery
        on case_surgery.case_id = course_event.case_id

),

ranked as (

    -- What says neoadjuvant comes first, then what says anything but other; the earliest speaks.
    select
        event.*,
        row_number() over (
            partition by event.case_id
            order by
                case
                    when event.intent = 'neoadjuvant' then 1
                    when event.intent in ('adjuvant', 'palliative') then 2
                    else 3
                end,
                event.started_on,
                event.row_id,
                event.extract
        ) as intent_rank
    from event

)

select
    case_id,
    min(row_id) filter (where is_deciding and started_on = first_dose_on) as first_dose_id,
    min(row_id) filter (where is_deciding and ends_on = last_dose_on) as last_dose_id,
    min(row_id) filter (where intent_rank = 1 and intent is not null and intent <> 'other') as intent_id
from ranked
group by case_id
