-- One row per case and question whose number of first orders differs between labels and episodes.
with

counted as (

    select
        case_id,
        reroute_scenario as scenario,
        1 as n_orders
    from out.order_label
    where reroute_is_first
    union all
    select
        case_id,
        scenario,
        -n_orders as n_orders
    from {batch}

)

select
    case_id,
    scenario
from counted
group by case_id, scenario
having sum(n_orders) <> 0
