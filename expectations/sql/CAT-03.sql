-- One row if the steps from cancers to cases do not add up.
with

total as (

    select sum(case when kind = 'input' then n_cases else -n_cases end) as n_cases_lost
    from {batch}

)

select n_cases_lost
from total
where n_cases_lost <> 0
