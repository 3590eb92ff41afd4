-- One row per scenario and basis, with what was counted there; the tier unresolved stands outside, as in the headline.
with

scenario as (

    select distinct scenario
    from rule.reroute

),

counted as (

    select
        scenario_unit.scenario,
        scenario_unit.basis,
        scenario_unit.outcome
    from core.scenario_unit as scenario_unit
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = scenario_unit.case_id
    where neoadjuvant_case.intent_tier <> 'unresolved'

)

-- A question that nobody asked stands there too: an empty denominator is null, not absent.
select
    scenario.scenario,
    basis.basis,
    count(counted.outcome) as n_index,
    count(*) filter (
        where counted.outcome in ('appropriate', 'mixed', 'may_be', 'not_appropriate')
    ) as n_rated,
    count(*) filter (where counted.outcome in ('unrated', 'indeterminate')) as n_undecided,
    count(*) filter (where counted.outcome = 'appropriate') as n_appropriate,
    count(*) filter (where counted.outcome = 'mixed') as n_mixed,
    count(*) filter (where counted.outcome = 'may_be') as n_may_be,
    count(*) filter (where counted.outcome = 'not_appropriate') as n_not_appropriate,
    count(*) filter (where counted.outcome = 'unrated') as n_unrated,
    count(*) filter (where counted.outcome = 'indeterminate') as n_indeterminate
from scenario
cross join (select unnest(string_split('order;episode', ';')) as basis) as basis
left join counted
    on
        counted.scenario = scenario.scenario
        and counted.basis = basis.basis
group by scenario.scenario, basis.basis
