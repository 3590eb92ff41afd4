-- One row per question whose answers are not as many as the orders that asked it.
with

counted as (

    select
        coalesce(reroute_scenario, 'breast_response') as question,
        1 as n_orders
    from out.order_label
    where reroute_scenario is not null or measure is not null
    union all
    select
        question,
        -n_orders as n_orders
    from {batch}

)

select question
from counted
group by question
having sum(n_orders) <> 0
