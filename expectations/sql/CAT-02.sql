-- One row if the cases that the funnel keeps are not as many as the cases of the audit.
with

kept as (

    select coalesce(sum(n_cases), 0) as n_cases
    from {batch}
    where kind = 'kept'

),

audited as (

    select count(*) as n_cases
    from out.neoadjuvant_case
    where is_case

)

select kept.n_cases
from kept
cross join audited
where kept.n_cases <> audited.n_cases
