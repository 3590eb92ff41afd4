-- One row per measure, basis, period and stratum: how many index orders or episodes were appropriate, and how sure that is.
-- The headline is measure post_completion, basis episode, grain all, stratum all. The interval says what chance could
-- explain, the bounds what the unrated and indeterminate could. A rate with too many of these is withheld.
select
    tally.measure,
    tally.basis,
    tally.period_grain,
    tally.period_start,
    tally.stratum,
    tally.stratum_value,
    tally.n_index,
    tally.n_appropriate,
    tally.n_mixed,
    tally.n_may_be,
    tally.n_not_appropriate,
    tally.n_unrated,
    tally.n_indeterminate,
    tally.n_end_unknown,
    tally.n_rerouted,
    tally.n_excluded,
    tally.n_exception,
    withheld_rate.rate,
    withheld_rate.ci_low,
    withheld_rate.ci_high,
    withheld_rate.bound_low,
    withheld_rate.bound_high,
    case
        when tally.n_rated_without > 0 and not withheld_rate.is_withheld
            then tally.n_appropriate_without / cast(tally.n_rated_without as double)
    end as rate_without_exception,
    withheld_rate.is_withheld,
    false as suppressed
from core.compliance_tally as tally
inner join core.withheld_rate as withheld_rate
    on
        withheld_rate.n_appropriate = tally.n_appropriate
        and withheld_rate.n_rated = tally.n_rated
        and withheld_rate.n_undecided = tally.n_undecided
