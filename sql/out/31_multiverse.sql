-- One row per definition of the declared grid: the headline recomputed under it (SPEC 9).
-- The headline is the episode basis of post_completion; the row that is_declared repeats it. The spread of the rates shows
-- how far the figure hangs on choices that others would have made differently. No row is the better definition.
select
    definition.definition,
    definition.window_days,
    definition.completion_lead_days,
    definition.min_response_days,
    definition.clock,
    definition.assumed_pet,
    definition.tiers,
    definition.therapy_classes,
    definition.is_declared,
    tally.n_index,
    tally.n_appropriate,
    tally.n_mixed,
    tally.n_may_be,
    tally.n_not_appropriate,
    tally.n_unrated,
    tally.n_indeterminate,
    withheld_rate.rate,
    withheld_rate.ci_low,
    withheld_rate.ci_high,
    withheld_rate.bound_low,
    withheld_rate.bound_high,
    withheld_rate.is_withheld
from core.definition as definition
inner join core.multiverse_tally as tally
    on tally.definition = definition.definition
inner join core.withheld_rate as withheld_rate
    on
        withheld_rate.n_appropriate = tally.n_appropriate
        and withheld_rate.n_rated = tally.n_rated
        and withheld_rate.n_undecided = tally.n_undecided
