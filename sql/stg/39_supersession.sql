-- One row per extract, delivery and later delivery that superseded rows of it: how many.
select
    extract,
    delivery,
    superseded_by,
    count(*) as n_rows
from raw.superseded_row
group by extract, delivery, superseded_by
