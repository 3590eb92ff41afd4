-- One row per row of orders that may matter to a label, as delivered, every value as text: of a series those that no later
-- delivery supersedes. Rows of persons without a code of invasive breast cancer are counted in raw.other_order.
select standing_order.* exclude (key_number, ordered_day, scheduled_day, performed_day, may_be_set_aside, is_set_aside)
from raw.standing_order as standing_order
where not standing_order.is_set_aside
