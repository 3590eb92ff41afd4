-- One row per quality check of the run: how it ended, in counts, never in values.
-- The runner passes the results of both gates as one JSON list.
with

result as (

    select unnest(cast(cast($results as json) as json[])) as row

)

select
    row ->> '$.code' as code,
    row ->> '$.table_name' as table_name,
    row ->> '$.expectation' as expectation,
    row ->> '$.severity' as severity,
    row ->> '$.status' as status,
    cast(row ->> '$.n_unexpected' as bigint) as n_unexpected,
    cast(row ->> '$.n_total' as bigint) as n_total,
    row ->> '$.why' as why,
    row ->> '$.run_id' as run_id,
    cast(row ->> '$.checked_at' as timestamp) as checked_at
from result
