-- One row per secondary measure, part and period that stands more than once.
-- The total has no period_start, and GX's own check of compound keys passes over nulls.
select
    measure,
    part,
    period_grain,
    period_start
from {batch}
group by measure, part, period_grain, period_start
having count(*) > 1
