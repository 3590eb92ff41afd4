-- One row per day on which more than one edition comes into force.
-- RUL-09, error: an order must fall under one edition.
select
    'edition.csv' as file,
    cast(effective_from as varchar) as row_key,
    'editions ' || string_agg(edition, ' and ' order by edition) || ' start on one day' as message,
    'give each edition its own effective_from' as fix
from rule.edition
group by effective_from
having count(*) > 1
