-- One row if the steps of the funnel do not add up to its input.
with

total as (

    select sum(case when kind = 'input' then n_orders else -n_orders end) as n_orders_lost
    from {batch}

)

select n_orders_lost
from total
where n_orders_lost <> 0
