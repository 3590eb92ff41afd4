-- One row if the funnel does not start from the rows of the orders extract, readable or not, superseded or not.
select step
from {batch}
where
    kind = 'input'
    and n_orders <> (
        (select count(*) from raw.orders)
        + (select count(*) from raw.other_order)
        + (select count(*) from raw.rejected_row where extract = 'orders')
        + (select count(*) from raw.superseded_row where extract = 'orders')
    )
