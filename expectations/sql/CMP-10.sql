-- One row per measure whose total does not count the episodes of its cases in the headline tiers.
with

counted as (

    select
        episode.measure,
        count(*) as n_index
    from out.episode as episode
    where episode.intent_tier <> 'unresolved'
    group by episode.measure

)

select total.measure
from {batch} as total
left join counted
    on counted.measure = total.measure
where
    total.basis = 'episode'
    and total.period_grain = 'all'
    and total.stratum = 'all'
    and total.n_index is distinct from coalesce(counted.n_index, 0)
