-- One row per edition, variant and procedure that the runs rate otherwise; null: that run has no such row.
with

rated as (

    select 'earlier' as run, edition, variant, procedure, rating from earlier.rule.rating
    union all
    select 'later', edition, variant, procedure, rating from later.rule.rating

)

select
    edition,
    variant,
    procedure,
    max(rating) filter (where run = 'earlier') as earlier,
    max(rating) filter (where run = 'later') as later
from rated
group by edition, variant, procedure
having max(rating) filter (where run = 'earlier') is distinct from max(rating) filter (where run = 'later')
