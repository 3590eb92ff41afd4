-- One row per order of that id: the rule that put it in its phase.
select
    phase.row,
    phase.phase,
    phase.condition
from core.phase as placed
inner join rule.phase as phase
    on phase.row = placed.phase_row
where placed.order_id = $order_id
