-- One row per local code that the site has mapped, with the procedure it names (null: not a breast exam).
-- A code that is mapped to two procedures is mapped to none: its rows are in quarantine.
select
    upper(trim(code_map.code)) as code,
    min(procedure.procedure) as procedure,
    bool_or(upper(trim(code_map.procedure)) = 'NOT_BREAST') as is_not_breast
from raw.code_map as code_map
left join rule.procedure as procedure
    on procedure.procedure = lower(trim(code_map.procedure))
left join rule.code_system as code_system
    on code_system.written = lower(trim(code_map.code_system))
where
    code_system.code_system = 'LOCAL'
    and (procedure.procedure is not null or upper(trim(code_map.procedure)) = 'NOT_BREAST')
group by upper(trim(code_map.code))
having count(distinct lower(trim(code_map.procedure))) = 1
