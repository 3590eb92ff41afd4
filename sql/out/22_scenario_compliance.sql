-- One row per other question and basis: how many first orders, or cases, were appropriate under the variant that rates them.
-- Beside the measure and never merged with it; clinical worsening and discordance have no variant and no rate.
select
    tally.scenario,
    scenario_name.label,
    tally.basis,
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
from core.scenario_tally as tally
inner join core.withheld_rate as withheld_rate
    on
        withheld_rate.n_appropriate = tally.n_appropriate
        and withheld_rate.n_rated = tally.n_rated
        and withheld_rate.n_undecided = tally.n_undecided
left join rule.scenario as scenario_name
    on scenario_name.scenario = tally.scenario
