-- One row per local code that the runs map to other procedures; null: that run does not map it.
with

mapped as (

    select
        'earlier' as run,
        code,
        coalesce(procedure, 'not_breast') as procedure
    from earlier.stg.code_map
    union all
    select
        'later',
        code,
        coalesce(procedure, 'not_breast')
    from later.stg.code_map

)

select
    code,
    max(procedure) filter (where run = 'earlier') as earlier,
    max(procedure) filter (where run = 'later') as later
from mapped
group by code
having max(procedure) filter (where run = 'earlier') is distinct from max(procedure) filter (where run = 'later')
