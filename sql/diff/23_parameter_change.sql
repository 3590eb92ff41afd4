-- One row per parameter of the measure and day from which a value counts, where the runs have other values.
with

given as (

    select 'earlier' as run, name, effective_from, value from earlier.rule.parameter
    union all
    select 'later', name, effective_from, value from later.rule.parameter

)

select
    name,
    effective_from,
    max(value) filter (where run = 'earlier') as earlier,
    max(value) filter (where run = 'later') as later
from given
group by name, effective_from
having max(value) filter (where run = 'earlier') is distinct from max(value) filter (where run = 'later')
