-- One row per alias whose other name its edition does not rate, or that stands for a name the edition rates itself.
-- RUL-16, error: such an alias hides a rating, or leads nowhere.
select
    'procedure_alias.csv' as file,
    alias.edition || ', ' || alias.procedure as row_key,
    case
        when own.procedure is not null then 'the edition rates ' || alias.procedure || ' under its own name'
        else 'the edition does not rate ' || alias.rated_as
    end as message,
    'correct rated_as, or remove the alias' as fix
from rule.procedure_alias as alias
left join (select distinct edition, procedure from rule.rating) as own
    on
        own.edition = alias.edition
        and own.procedure = alias.procedure
left join (select distinct edition, procedure from rule.rating) as target
    on
        target.edition = alias.edition
        and target.procedure = alias.rated_as
where
    own.procedure is not null
    or target.procedure is null
