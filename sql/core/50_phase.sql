-- One row per imaging order line of a neoadjuvant case, with its phase under the declared definition (SPEC 4).
select
    placed.order_id,
    placed.case_id,
    placed.phase_row,
    phase.phase
from core.every_phase as placed
inner join core.timing as timing
    on
        timing.timing = placed.timing
        and timing.is_declared
inner join rule.phase as phase
    on phase.row = placed.phase_row
