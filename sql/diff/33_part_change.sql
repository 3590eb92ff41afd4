-- One row per part of a label and pair of its values, over the order lines that both runs label: how many changed so.
-- An order whose label changed in several parts stands in several rows; n_touched: of persons with another row in the delivery.
select
    aspect,
    earlier,
    later,
    count(*) as n_orders,
    count(*) filter (where is_touched) as n_touched
from diff.aspect_change
group by aspect, earlier, later
