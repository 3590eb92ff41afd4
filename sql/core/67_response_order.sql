-- One row per order that reaches row 15 of the router and reading, with its verdict under variant 2 (SPEC 7).
-- Readings are other ways to count the same orders; as_defined is the measure.
with

routed as (

    select order_id, reading, phase from core.routed where router_row = 15
    union all
    select order_id, 'assumed_pet_indeterminate' as reading, phase
    from core.routed
    where router_row = 15 and reading = 'as_defined'

),

purposed as (

    select
        routed.order_id,
        routed.reading,
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
        purposed.reading = 'assumed_pet_indeterminate'
        and purposed.purpose_basis = 'assumed'
        and rated.status = 'rated' as is_set_aside,
        rated.* exclude (order_id, question, scenario)
    from purposed
    inner join core.rated as rated
        on
            rated.order_id = purposed.order_id
            and rated.question = 'breast_response'

)

select
    judged.* exclude (status, reason, rating, rating_score, is_set_aside),
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
