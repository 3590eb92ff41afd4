-- One row per not-appropriate index order of a measure, and one more for the orders since the last of them.
-- The g-chart of rare events: how many rated orders lie between. Cases are those of the headline. Persons share an order
-- of days only where days are those of a calendar; without one there is no row.
with

rated as (

    select
        index_order.measure,
        index_order.order_id,
        index_order.ordered_on,
        index_order.index_on,
        index_order.is_appropriate,
        row_number() over (
            partition by index_order.measure
            order by index_order.ordered_on, index_order.order_id
        ) as place
    from core.index_order as index_order
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = index_order.case_id
    cross join stg.parameter as parameter
    where
        index_order.reading = 'as_defined'
        and index_order.status = 'rated'
        and neoadjuvant_case.intent_tier <> 'unresolved'
        and parameter.has_calendar

),

event as (

    select
        measure,
        order_id,
        ordered_on,
        cast(date_trunc('quarter', index_on) as date) as period_start,
        place,
        row_number() over (partition by measure order by ordered_on, order_id) as position,
        lag(place) over (partition by measure order by ordered_on, order_id) as place_before
    from rated
    where not is_appropriate

),

last_event as (

    select
        rated.measure,
        count(event.order_id) as n_events,
        max(event.place) as last_place,
        count(*) as n_rated
    from rated
    left join event
        on
            event.measure = rated.measure
            and event.order_id = rated.order_id
    group by rated.measure

)

select
    measure,
    position,
    order_id,
    ordered_on,
    period_start,
    place - coalesce(place_before, 0) - 1 as n_orders_between,
    false as is_open
from event
union all
select
    measure,
    n_events + 1 as position,
    null as order_id,
    null as ordered_on,
    null as period_start,
    n_rated - coalesce(last_place, 0) as n_orders_between,
    true as is_open
from last_event
