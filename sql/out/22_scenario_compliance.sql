-- One row per other question and basis: how many first orders, or cases, were appropriate under the variant that rates them.
-- Beside the measure and never merged with it; clinical worsening and discordance have no variant and no rate.
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
    from core.scenario_tally as tally
    cross join stg.parameter as parameter

)

select
    withheld.scenario,
    scenario_name.label,
    withheld.basis,
    withheld.n_index,
    withheld.n_appropriate,
    withheld.n_mixed,
    withheld.n_may_be,
    withheld.n_not_appropriate,
    withheld.n_unrated,
    withheld.n_indeterminate,
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
    withheld.is_withheld
from withheld
left join rule.scenario as scenario_name
    on scenario_name.scenario = withheld.scenario
left join core.wilson as wilson
    on
        wilson.n_appropriate = withheld.n_appropriate
        and wilson.n_rated = withheld.n_rated
        and not withheld.is_withheld
