-- One row per question whose cases are not its episodes.
with

counted as (

    select
        scenario_episode.scenario,
        count(*) as n_index
    from out.scenario_episode as scenario_episode
    inner join out.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = scenario_episode.case_id
    where neoadjuvant_case.intent_tier <> 'unresolved'
    group by scenario_episode.scenario

)

select figure.scenario
from {batch} as figure
left join counted
    on counted.scenario = figure.scenario
where
    figure.basis = 'episode'
    and figure.n_index <> coalesce(counted.n_index, 0)
