-- One row per way of working up whose cases are not those of the table of cases.
with

counted as (

    select
        workup,
        1 as n_cases
    from out.staging_workup
    union all
    select
        workup,
        -n_cases as n_cases
    from {batch}

)

select workup
from counted
group by workup
having sum(n_cases) <> 0
