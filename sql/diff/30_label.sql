-- One row per labelled order line and run: the parts of its label that a reader would call another label if they differed.
select
    'earlier' as run,
    order_id,
    patient_id,
    phase,
    status,
    reason,
    rating,
    reroute_rating,
    measure,
    is_first
from earlier.out.order_label
union all
select
    'later',
    order_id,
    patient_id,
    phase,
    status,
    reason,
    rating,
    reroute_rating,
    measure,
    is_first
from later.out.order_label
