-- One row per measure and grain whose periods do not add up to the total.
with

by_period as (

    select
        measure,
        period_grain,
        sum(n_index) as n_index,
        sum(n_settled) as n_settled
    from {batch}
    where period_grain <> 'all'
    group by measure, period_grain

)

select by_period.measure
from by_period
left join {batch} as total
    on
        total.measure = by_period.measure
        and total.period_grain = 'all'
where
    total.n_index is distinct from by_period.n_index
    or total.n_settled is distinct from by_period.n_settled
