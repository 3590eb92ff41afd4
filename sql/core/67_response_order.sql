-- One row per order that reaches row 15 of the router and reading, with its verdict under variant 2 (SPEC 7).
-- Readings are other ways to count the same orders; as_defined is the measure. Those of the multiverse hold what asks
-- for the response after completion under one of its timings.
with

routed as (

    select order_id, false as sets_pet_aside, reading, phase, 'in_force' as judged_by
    from core.routed
    where router_row = 15
    union all
    select order_id, true as sets_pet_aside, 'assumed_pet_indeterminate' as reading, phase, 'in_force' as judged_by
    from core.routed
    where router_row = 15 and reading = 'as_defined'
    union all
    select order_id, false as sets_pet_aside, 'current_edition' as reading, phase, 'current' as judged_by
    from core.routed
    where router_row = 15 and reading = 'as_defined'
    union all
    select
        timed_response.order_id,
        definition.assumed_pet = 'indeterminate' as sets_pet_aside,
        definition.reading,
        timed_response.phase,
        'in_force' as judged_by
    from core.timed_response as timed_response
    inner join (select distinct timing, assumed_pet, reading from core.definition) as definition
        on definition.timing = timed_response.timing

),

verdict as (

    select *, 'in_force' as judged_by
    from core.rated
    where question = 'breast_response'
    union all by name
    select *, 'current' as judged_by
    from core.current_verdict
    where question = 'breast_response'

),

purposed as (

    select
        routed.order_id,
        routed.reading,
        routed.judged_by,
        routed.sets_pet_aside,
        routed.phase as measure,
        exam_line.case_id,
        exam_line.exam_id,
        exam_line.clock_on,
        exam_line.ordered_on,
        exam_line.kind,
        case
            when exam.says_response then 'stated'
            when exam_line.is_fdg_pet then 'assumed'
            else 'code'
        end as purpose_basis
    from routed
    inner join core.exam_line as exam_line
        on exam_line.order_id = routed.order_id
    inner join core.exam as exam
        on exam.exam_id = exam_line.exam_id

),

judged as (

    select
        purposed.*,
        purposed.sets_pet_aside
        and purposed.purpose_basis = 'assumed'
        and verdict.status = 'rated' as is_set_aside,
        verdict.* exclude (order_id, question, scenario, judged_by)
    from purposed
    inner join verdict
        on
            verdict.order_id = purposed.order_id
            and verdict.judged_by = purposed.judged_by

)

select
    judged.* exclude (status, reason, rating, rating_score, is_set_aside, sets_pet_aside, judged_by),
    case when judged.is_set_aside then 'indeterminate' else judged.status end as status,
    case when judged.is_set_aside then 'purpose_assumed' else judged.reason end as reason,
    case when not judged.is_set_aside then judged.rating end as rating,
    case when not judged.is_set_aside then judged.rating_score end as rating_score,
    case
        when judged.is_set_aside then null
        when judged.rating = 'usually_appropriate' then true
        when judged.rating = 'usually_not_appropriate' then false
    end as is_appropriate,
    case
        when judged.rating = 'usually_not_appropriate' and not judged.is_set_aside
            then exception.exception
    end as exception
from judged
left join core.exception as exception
    on exception.exam_id = judged.exam_id
