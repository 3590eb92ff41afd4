-- One row per row of orders that may matter to a label, as delivered, every value as text: of a series those that no later
-- delivery supersedes. Rows of persons without a code of invasive breast cancer are counted in raw.other_order.
-- A row that is counted has an id, and no other row with one has its number, so that the number tells which rows are left.
with

-- Their places first: every column of every row would otherwise be held while the numbers are compared.
kept as (

    select
        part,
        line
    from raw.standing_order
    where order_id is null or key_number not in (select key_number from raw.other_order)

)

select orders.*
from delivered.orders as orders
inner join kept
    on
        kept.part = orders.part
        and kept.line = orders.line
