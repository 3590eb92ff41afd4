-- One row per row of orders as delivered, every value as text; of a series those that no later delivery supersedes.
select orders.*
from delivered.orders as orders
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'orders'
        and superseded_row.part = orders.part
        and superseded_row.line = orders.line
where superseded_row.part is null
