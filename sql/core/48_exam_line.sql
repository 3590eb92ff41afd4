-- One row per imaging order line that belongs to a cancer, with the exam it is a line of (SPEC 5).
-- exam_id is the order_id of the representative: the most specific procedure, then the earliest order, then
-- the lowest id. A line that takes no part in an exam is an exam of its own.
with

line as (

    select
        case_line.* exclude (procedure),
        coalesce(body_merge.procedure, case_line.procedure) as procedure
    from core.case_line as case_line
    left join core.body_merge as body_merge
        on body_merge.order_id = case_line.order_id
    where case_line.case_id is not null

),

grouped as (

    select
        line.*,
        procedure.response_pool,
        procedure.is_axillary,
        procedure.is_fdg_pet,
        procedure.exam_family,
        first_value(line.order_id) over (
            partition by
                line.case_id,
                line.clock_on,
                line.purpose,
                coalesce(procedure.exam_family, line.procedure),
                case when line.is_exam_line then null else line.order_id end
            order by procedure.specificity desc nulls last, line.ordered_on, line.order_id
        ) as exam_id
    from line
    left join rule.procedure as procedure
        on procedure.procedure = line.procedure

)

select
    * exclude (response_pool, is_axillary, is_fdg_pet),
    case when kind = 'unmapped' then true else response_pool end as response_pool,
    case when kind = 'mapped' then is_axillary else false end as is_axillary,
    case when kind = 'mapped' then is_fdg_pet else false end as is_fdg_pet
from grouped
