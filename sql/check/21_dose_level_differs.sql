-- One row per rated procedure whose radiation level is not the one its ratings give.
-- RUL-21, error: the alternative and the avoidable dose are compared by these levels.
select
    'procedure.csv' as file,
    rating.procedure as row_key,
    'radiation level ' || coalesce(cast(procedure.radiation_level as varchar), 'empty') || ', rated in '
    || rating.edition || ', variant ' || rating.variant || ' as ' || cast(rating.radiation_level as varchar) as message,
    'correct the level in rules/procedure.csv or in rules/rating.csv' as fix
from rule.rating as rating
inner join rule.procedure as procedure
    on procedure.procedure = rating.procedure
where
    rating.radiation_level is not null
    and coalesce(procedure.radiation_level, -1) <> rating.radiation_level
