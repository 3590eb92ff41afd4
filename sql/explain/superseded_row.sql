-- One row per row of that order which stands no more, because a later delivery of the series brought the order again.
select
    row_id as order_id,
    part,
    line,
    delivery,
    superseded_by
from raw.superseded_row
where
    extract = 'orders'
    and row_id = trim($order_id)
order by
    delivery,
    part,
    line
