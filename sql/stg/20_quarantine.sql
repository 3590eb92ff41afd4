-- One row per value that could not be read: its extract, part, line, column and reason, never the value.
-- Rows that the reader could not even split into columns stand here too.
with

problem as (

    select 'orders' as extract, part, line, problems
    from stg.order_read
    where problems is not null and not is_exact_copy
    union all
    select 'diagnoses' as extract, part, line, problems
    from stg.diagnosis_read
    where problems is not null and not is_exact_copy
    union all
    select 'therapies' as extract, part, line, problems
    from stg.therapy_read
    where problems is not null and not is_exact_copy
    union all
    select 'procedures' as extract, part, line, problems
    from stg.procedure_read
    where problems is not null and not is_exact_copy
    union all
    select 'patients' as extract, part, line, problems
    from stg.patient_read
    where problems is not null and not is_exact_copy
    union all
    select 'findings' as extract, part, line, problems
    from stg.finding_read
    where problems is not null and not is_exact_copy

),

split as (

    select
        extract,
        part,
        line,
        unnest(string_split(problems, ';')) as problem
    from problem

),

local_code as (

    select
        code_map.part,
        code_map.line,
        code_system.code_system = 'LOCAL' as is_local,
        procedure.procedure is not null or upper(trim(code_map.procedure)) = 'NOT_BREAST' as is_known,
        min(lower(trim(code_map.procedure))) over (partition by upper(trim(code_map.code)))
        <> max(lower(trim(code_map.procedure))) over (partition by upper(trim(code_map.code)))
            as is_in_conflict
    from raw.code_map as code_map
    left join rule.procedure as procedure
        on procedure.procedure = lower(trim(code_map.procedure))
    left join rule.code_system as code_system
        on code_system.written = lower(trim(code_map.code_system))

),

local_problem as (

    select part, line, 'procedure' as column_name, 'unknown_procedure' as reason
    from local_code
    where is_known is not true
    union all
    select part, line, 'code_system' as column_name, 'unknown_code_system' as reason
    from local_code
    where is_local is not true
    union all
    select part, line, 'code' as column_name, 'duplicate_key' as reason
    from local_code
    where is_in_conflict

)

select
    extract,
    part,
    line,
    split_part(problem, ':', 1) as column_name,
    split_part(problem, ':', 2) as reason
from split
union all
select extract, part, line, column_name, reason from raw.rejected_row
union all
select 'code_map' as extract, part, line, column_name, reason from local_problem
