-- One row if the index orders are not as many in the funnel as in the labels.
with

kept as (

    select coalesce(sum(n_orders), 0) as n_orders
    from {batch}
    where kind = 'kept'

),

labelled as (

    select count(*) as n_orders
    from out.order_label
    where is_first

)

select kept.n_orders
from kept
cross join labelled
where kept.n_orders <> labelled.n_orders
