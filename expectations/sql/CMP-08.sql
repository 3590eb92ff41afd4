-- One row per measure, basis and grain whose periods do not add up to the total.
with

by_period as (

    select
        measure,
        basis,
        period_grain,
        sum(n_index) as n_index
    from {batch}
    where period_grain <> 'all'
    group by measure, basis, period_grain

)

select by_period.measure
from by_period
left join {batch} as total
    on
        total.measure = by_period.measure
        and total.basis = by_period.basis
        and total.period_grain = 'all'
        and total.stratum = 'all'
where total.n_index is distinct from by_period.n_index
