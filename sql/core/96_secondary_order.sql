-- One row per order that S7, S9, S11 or S13 counts, with whether it is what the measure looks for.
-- S7 performed exams that were not appropriate, S9 side of the exam, S11 documented exception, S13 performed in time.
with

routed as (

    select
        order_id,
        phase,
        reason
    from core.routed
    where
        reading = 'as_defined'
        and phase in ('on_treatment', 'post_completion')
        and (scenario = 'breast_response' or reason = 'contralateral')

)

select
    'S7' as measure,
    performed_exam.measure as part,
    performed_exam.order_id as unit_id,
    performed_exam.clock_on as counted_on,
    performed_exam.is_avoidable as is_met,
    -- An exam whose band nobody knows has no radiation to add up; it is counted by itself, and never as 0.
    case
        when performed_exam.is_avoidable and performed_exam.rated_msv_low is not null
            then performed_exam.avoidable_msv_low
    end as msv_low,
    case
        when performed_exam.is_avoidable and performed_exam.rated_msv_low is not null
            then performed_exam.avoidable_msv_high
    end as msv_high
from core.performed_exam as performed_exam
inner join core.counted_case as counted_case
    on counted_case.case_id = performed_exam.case_id
where performed_exam.measure is not null and performed_exam.rating is not null
union all by name
select
    'S9' as measure,
    routed.phase as part,
    routed.order_id as unit_id,
    exam_line.clock_on as counted_on,
    routed.reason is null as is_met
from routed
inner join core.exam_line as exam_line
    on exam_line.order_id = routed.order_id
inner join core.exam as exam
    on exam.exam_id = exam_line.exam_id
inner join core.counted_case as counted_case
    on counted_case.case_id = exam_line.case_id
where exam.laterality is not null and counted_case.laterality is not null
union all by name
select
    'S11' as measure,
    measure as part,
    order_id as unit_id,
    index_on as counted_on,
    exception is not null as is_met
from core.index_exam
where not is_appropriate
union all by name
select
    'S13' as measure,
    index_exam.measure as part,
    index_exam.order_id as unit_id,
    index_exam.index_on as counted_on,
    index_exam.performed_on is not null
    and index_exam.performed_on <= index_exam.ordered_on + parameter.performed_within_days as is_met
from core.index_exam as index_exam
cross join stg.parameter as parameter
-- Performed or not, an order counts once it has had the time: else the quick ones would flatter the latest months.
where
    index_exam.ordered_on < index_exam.covered_to - parameter.performed_within_days
    and (index_exam.performed_on is not null or index_exam.status is null or index_exam.status <> 'completed')
