-- One row if persons without a cancer and patients with one do not add up to the persons of the delivery.
with

total as (

    select
        sum(case when reason = 'persons' then n_patients end) as n_persons,
        sum(case when reason in ('no_invasive_cancer', 'cancers') then n_patients end) as n_told
    from {batch}

)

select n_persons
from total
where n_persons is distinct from n_told
