-- One row per procedure that a rule names and procedure.csv does not.
-- RUL-13, error: an exam of an unknown procedure has no family, purpose or pool.
with

named as (

    select 'rating.csv' as file, edition || ', variant ' || variant as row_key, procedure from rule.rating
    union all
    select 'procedure_alias.csv', edition || ', ' || procedure, procedure from rule.procedure_alias
    union all
    select 'procedure_alias.csv', edition || ', ' || procedure, rated_as from rule.procedure_alias
    union all
    select 'unreachable.csv', edition || ', variant ' || variant, procedure from rule.unreachable
    union all
    select 'merge.csv', merge_modality || ', ' || contrast, procedure from rule.merge
    union all
    select 'no_exam.csv', procedure, procedure from rule.no_exam
    union all
    select 'otherwise.csv', requires || ', ' || procedure, procedure from rule.otherwise
    union all
    select 'otherwise.csv', requires || ', ' || procedure, otherwise from rule.otherwise
    union all
    select 'biopsy_procedure.csv', procedure, procedure from rule.biopsy_procedure
    union all
    select 'value_sets/imaging.csv', code_system || ' ' || code, procedure from rule.imaging where procedure is not null

)

select
    named.file,
    named.row_key,
    'there is no procedure ''' || named.procedure || '''' as message,
    'correct the word, or add the procedure to procedure.csv' as fix
from named
left join rule.procedure as procedure
    on procedure.procedure = named.procedure
where procedure.procedure is null
