-- One row per therapy event of a course (SPEC 3.5).
-- Where surgery follows the candidate start, it ends the course; otherwise events chain while the gap to the
-- latest cover end so far is short enough. Days before the first break are by definition all in the chain,
-- so running aggregates over earlier days see the chain and nothing else.
with

from_start as (

    select
        case_event.*,
        candidate_start.candidate_start_on,
        case
            when case_surgery.surgery_on > candidate_start.candidate_start_on then true
            else false
        end as is_operated_after
    from core.candidate_start as candidate_start
    inner join core.case_event as case_event
        on case_event.case_id = candidate_start.case_id
    left join core.case_surgery as case_surgery
        on case_surgery.case_id = candidate_start.case_id
    cross join stg.parameter as parameter
    where
        case_event.started_on >= candidate_start.candidate_start_on
        and case_event.started_on <= candidate_start.candidate_start_on + parameter.max_course_days
        and (
            case_surgery.surgery_on is null
            or case_surgery.surgery_on <= candidate_start.candidate_start_on
            or case_event.started_on < case_surgery.surgery_on
        )

),

day_of_chain as (

    select
        case_id,
        started_on,
        max(covers_to) as covers_to,
        bool_and(therapy_class = 'endocrine') as is_endocrine
    from from_start
    group by case_id, started_on

),

gap as (

    select
        case_id,
        started_on,
        started_on - max(covers_to) over so_far as gap_days,
        bool_and(is_endocrine) over so_far as is_endocrine_so_far
    from day_of_chain
    window
        so_far as (
            partition by case_id
            order by started_on
            rows between unbounded preceding and 1 preceding
        )

),

break as (

    select
        gap.case_id,
        min(gap.started_on) as broken_on
    from gap
    cross join stg.parameter as parameter
    where
        gap.gap_days > case
            when gap.is_endocrine_so_far then parameter.oral_gap_days
            else parameter.course_gap_days
        end
    group by gap.case_id

)

select
    from_start.case_id,
    from_start.patient_id,
    from_start.extract,
    from_start.row_id,
    from_start.agent,
    from_start.therapy_class,
    from_start.started_on,
    from_start.covers_to,
    from_start.intent
from from_start
left join break
    on break.case_id = from_start.case_id
where
    from_start.is_operated_after
    or break.broken_on is null
    or from_start.started_on < break.broken_on
