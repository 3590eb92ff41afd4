-- One row per key that more than one standing row of orders bears, as a number: which of them are copies is asked later.
-- Two keys that fall on one number are kept without need, and nothing else.
select cast(hash(trim(orders.order_id)) >> 1 as bigint) as key_number
from delivered.orders as orders
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'orders'
        and superseded_row.part = orders.part
        and superseded_row.line = orders.line
where superseded_row.part is null and orders.order_id is not null
group by key_number
having count(*) > 1
