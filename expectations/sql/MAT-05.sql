-- One row per measure whose episodes are not as many as those of the published rate.
select total.measure
from {batch} as total
left join out.compliance as compliance
    on
        compliance.measure = total.measure
        and compliance.basis = 'episode'
        and compliance.period_grain = 'all'
        and compliance.stratum = 'all'
where
    total.period_grain = 'all'
    and total.n_index is distinct from compliance.n_index
