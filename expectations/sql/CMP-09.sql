-- One row per measure, basis and stratum whose values do not add up to the total.
-- Cases of the tier unresolved stand in that stratum only; the total leaves them out.
with

by_stratum as (

    select
        measure,
        basis,
        stratum,
        sum(n_index) as n_index
    from {batch}
    where
        period_grain = 'all'
        and stratum <> 'all'
        and not (stratum = 'intent_tier' and stratum_value = 'unresolved')
    group by measure, basis, stratum

)

select by_stratum.measure
from by_stratum
left join {batch} as total
    on
        total.measure = by_stratum.measure
        and total.basis = by_stratum.basis
        and total.period_grain = 'all'
        and total.stratum = 'all'
where total.n_index is distinct from by_stratum.n_index
