-- One row per index order and reading: the orders of the first day of response imaging of a case and measure (SPEC 7).
-- Mapped orders set the day; an unmapped one before or on it may have been the first and joins them.
with

index_day as (

    select
        case_id,
        measure,
        reading,
        coalesce(
            min(clock_on) filter (where kind = 'mapped'),
            min(clock_on)
        ) as index_on
    from core.response_order
    group by case_id, measure, reading

)

select
    response_order.*,
    index_day.index_on,
    row_number() over (
        partition by response_order.case_id, response_order.measure, response_order.reading
        order by response_order.ordered_on, response_order.order_id
    ) as index_rank
from core.response_order as response_order
inner join index_day
    on
        index_day.case_id = response_order.case_id
        and index_day.measure = response_order.measure
        and index_day.reading = response_order.reading
where
    response_order.clock_on = index_day.index_on
    or (response_order.kind = 'unmapped' and response_order.clock_on < index_day.index_on)
