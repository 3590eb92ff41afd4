-- One row per measure and run: the rate over all episodes with its interval and counts, exact.
with

published as (

    select 'earlier' as run, * from earlier.out.compliance
    union all by name
    select 'later' as run, * from later.out.compliance

)

select
    measure,
    run,
    n_index,
    n_appropriate,
    n_mixed,
    n_may_be,
    n_not_appropriate,
    n_unrated,
    n_indeterminate,
    rate,
    ci_low,
    ci_high,
    bound_low,
    bound_high,
    is_withheld
from published
where
    basis = 'episode'
    and period_grain = 'all'
    and stratum = 'all'
