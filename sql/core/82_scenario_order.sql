-- One row per order that asks another question than the response of the breast, with its place among the orders of its
-- case that ask the same: the first order is defined as for the headline (DECISIONS 49).
with

asked as (

    select
        rated.order_id,
        rated.scenario,
        exam_line.case_id,
        exam_line.exam_id,
        exam_line.clock_on,
        exam_line.ordered_on,
        exam_line.kind,
        rated.edition,
        rated.variant,
        rated.status,
        rated.reason,
        rated.rating,
        case rated.rating
            when 'usually_appropriate' then true
            when 'usually_not_appropriate' then false
        end as is_appropriate
    from core.rated as rated
    inner join core.exam_line as exam_line
        on exam_line.order_id = rated.order_id
    where rated.question = 'reroute' and rated.scenario is not null

),

index_day as (

    select
        case_id,
        scenario,
        coalesce(
            min(clock_on) filter (where kind = 'mapped'),
            min(clock_on)
        ) as index_on
    from asked
    group by case_id, scenario

),

placed as (

    select
        asked.*,
        index_day.index_on,
        asked.clock_on = index_day.index_on
        or (asked.kind = 'unmapped' and asked.clock_on < index_day.index_on) as is_first
    from asked
    inner join index_day
        on
            index_day.case_id = asked.case_id
            and index_day.scenario = asked.scenario

)

select
    *,
    case
        when is_first
            then row_number() over (
                partition by case_id, scenario, is_first
                order by ordered_on, order_id
            )
    end as index_rank
from placed
