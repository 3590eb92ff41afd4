-- One row per measure, basis and reading: the same rate under another way of counting (SPEC 6, 7).
select
    tally.measure,
    tally.basis,
    tally.reading,
    tally.label,
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
from core.sensitivity_tally as tally
inner join core.withheld_rate as withheld_rate
    on
        withheld_rate.n_appropriate = tally.n_appropriate
        and withheld_rate.n_rated = tally.n_rated
        and withheld_rate.n_undecided = tally.n_undecided
