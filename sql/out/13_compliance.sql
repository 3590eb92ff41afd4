-- One row per measure, basis, period and stratum: how many index orders or episodes were appropriate, and how sure that is.
-- The headline is measure post_completion, basis episode, grain all, stratum all. The interval says what chance could
-- explain, the bounds what the unrated and indeterminate could. A rate with too many of these is withheld.
with

withheld as (

    select
        tally.*,
        tally.n_appropriate + tally.n_mixed + tally.n_may_be + tally.n_not_appropriate as n_rated,
        case
            when tally.n_index > 0
                then (tally.n_unrated + tally.n_indeterminate) / cast(tally.n_index as double)
                > parameter.unrated_withhold_share
            else false
        end as is_withheld
    from core.compliance_tally as tally
    cross join stg.parameter as parameter

)

select
    withheld.measure,
    withheld.basis,
    withheld.period_grain,
    withheld.period_start,
    withheld.stratum,
    withheld.stratum_value,
    withheld.n_index,
    withheld.n_appropriate,
    withheld.n_mixed,
    withheld.n_may_be,
    withheld.n_not_appropriate,
    withheld.n_unrated,
    withheld.n_indeterminate,
    withheld.n_end_unknown,
    withheld.n_rerouted,
    withheld.n_excluded,
    withheld.n_exception,
    wilson.rate,
    wilson.ci_low,
    wilson.ci_high,
    case when withheld.n_index > 0 then withheld.n_appropriate / cast(withheld.n_index as double) end as bound_low,
    case
        when withheld.n_index > 0
            then (
                withheld.n_index - withheld.n_mixed - withheld.n_may_be - withheld.n_not_appropriate
            ) / cast(withheld.n_index as double)
    end as bound_high,
    case
        when withheld.n_rated_without > 0 and not withheld.is_withheld
            then withheld.n_appropriate_without / cast(withheld.n_rated_without as double)
    end as rate_without_exception,
    withheld.is_withheld,
    false as suppressed
from withheld
left join core.wilson as wilson
    on
        wilson.n_appropriate = withheld.n_appropriate
        and wilson.n_rated = withheld.n_rated
        and not withheld.is_withheld
