-- One row per measure and aspect whose kinds do not add up to the index orders of the published rate, or to one.
with

by_aspect as (

    select
        measure,
        aspect,
        sum(n_index) as n_index,
        sum(share) as share
    from {batch}
    group by measure, aspect

)

select by_aspect.measure
from by_aspect
left join out.compliance as compliance
    on
        compliance.measure = by_aspect.measure
        and compliance.basis = 'order'
        and compliance.period_grain = 'all'
        and compliance.stratum = 'all'
where
    compliance.n_index is distinct from by_aspect.n_index
    or abs(by_aspect.share - 1) > 1e-9
