-- One row per row of orders that may matter to a label, as delivered, every value as text: of a series those that no later
-- delivery supersedes. Rows of persons without a code of invasive breast cancer are counted in raw.other_order.
-- A row that is counted has an id, and no other row with one has its number, so that the number tells which rows are left.
select standing_order.* exclude (key_number, ordered_day, scheduled_day, performed_day, may_be_set_aside, is_set_aside)
from raw.standing_order as standing_order
where
    standing_order.order_id is null
    or standing_order.key_number not in (select key_number from raw.other_order)
