-- One row per imaging code that reaches no procedure although it is not an unlisted one, or the other way round.
-- RUL-14, error: an unlisted code names no exam, and every other code of the set names one.
select
    'value_sets/imaging.csv' as file,
    code_system || ' ' || code as row_key,
    case
        when procedure is null then 'the code has no procedure'
        else 'an unlisted code cannot have a procedure'
    end as message,
    'give the code its procedure, or set support to unlisted and leave the procedure empty' as fix
from rule.imaging
where (procedure is null) <> (coalesce(support, '') = 'unlisted')
