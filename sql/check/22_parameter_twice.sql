-- One row per parameter that has more than one value.
-- RUL-22, error: a run is judged by one set of numbers, and the models read one value of each.
select
    'parameter.csv' as file,
    name as row_key,
    'the parameter has ' || cast(count(*) as varchar) || ' values' as message,
    'leave effective_from empty in the site''s row, so that it replaces ours' as fix
from rule.parameter
group by name
having count(*) > 1
