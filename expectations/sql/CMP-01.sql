-- One row per cell of the table that stands more than once.
-- The total has no period_start, and GX's own check of compound keys passes over nulls.
select
    measure,
    basis,
    period_grain,
    period_start,
    stratum,
    stratum_value
from {batch}
group by
    measure,
    basis,
    period_grain,
    period_start,
    stratum,
    stratum_value
having count(*) > 1
