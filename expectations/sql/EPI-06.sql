-- One row per case and measure whose number of index orders differs between labels and episodes.
with

counted as (

    select
        case_id,
        measure,
        1 as n_orders
    from out.order_label
    where is_first
    union all
    select
        case_id,
        measure,
        -n_orders as n_orders
    from {batch}

)

select
    case_id,
    measure
from counted
group by case_id, measure
having sum(n_orders) <> 0
