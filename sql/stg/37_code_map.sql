-- One row per local code that the site has mapped, with the procedure it names (null: not a breast exam).
-- A code that is mapped to two procedures is mapped to none: its rows are in quarantine.
with

local_code as (

    select
        upper(trim(code_map.code)) as code,
        lower(trim(code_map.procedure)) as procedure
    from raw.code_map as code_map
    inner join rule.code_system as code_system
        on
            code_system.written = lower(trim(code_map.code_system))
            and code_system.code_system = 'LOCAL'

),

single as (

    select
        code,
        min(procedure) as procedure
    from local_code
    group by code
    having count(distinct procedure) = 1

)

select
    single.code,
    procedure.procedure,
    single.procedure = 'not_breast' as is_not_breast
from single
left join rule.procedure as procedure
    on procedure.procedure = single.procedure
where procedure.procedure is not null or single.procedure = 'not_breast'
