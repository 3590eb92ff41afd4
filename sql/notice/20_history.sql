-- One row per fact of an earlier run and covered day, as the ledger holds it: only days before that of this run, and of
-- each the run published last, so that repeated, corrected, late and backfilled runs compare as if run in time.
with

line as (

    select unnest(cast(cast($history as json) as json[])) as row

)

select
    cast(row ->> '$.covered_on' as date) as covered_on,
    row ->> '$.fact' as fact,
    row ->> '$.subject' as subject,
    cast(row ->> '$.n' as double) as n,
    cast(row ->> '$.of_n' as double) as of_n,
    cast(row ->> '$.day' as date) as day
from line
