-- One row per edition of the criteria that only one of the runs knows, or that came into force on another day.
with

known as (

    select 'earlier' as run, edition, effective_from from earlier.rule.edition
    union all
    select 'later', edition, effective_from from later.rule.edition

)

select
    edition,
    max(effective_from) filter (where run = 'earlier') as earlier,
    max(effective_from) filter (where run = 'later') as later
from known
group by edition
having max(effective_from) filter (where run = 'earlier') is distinct from max(effective_from) filter (where run = 'later')
