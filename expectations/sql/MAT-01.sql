-- One row per measure and period that stands more than once.
-- The total has no period_start, and GX's own check of compound keys passes over nulls.
select
    measure,
    period_grain,
    period_start
from {batch}
group by measure, period_grain, period_start
having count(*) > 1
