-- One row per measure and basis whose figure as defined is not the published one.
select sensitivity.measure
from {batch} as sensitivity
left join out.compliance as compliance
    on
        compliance.measure = sensitivity.measure
        and compliance.basis = sensitivity.basis
        and compliance.period_grain = 'all'
        and compliance.stratum = 'all'
where
    sensitivity.reading = 'as_defined'
    and (
        compliance.n_index is distinct from sensitivity.n_index
        or compliance.n_appropriate is distinct from sensitivity.n_appropriate
        or compliance.rate is distinct from sensitivity.rate
    )
