-- One row per run: what went in, under which rules and settings, with which software, and how much came out.
-- The runner passes the values; inputs and files are JSON of path and SHA-256.
-- Without a calendar every person has an axis of their own, and no one day is the last.
with

reached as (

    select max(as_of) as as_of from stg.patient_span

)

select
    $run_id as run_id,
    case when parameter.has_calendar then reached.as_of end as as_of,
    cast($started_at as timestamp) as started_at,
    cast($finished_at as timestamp) as finished_at,
    $deid_mode as deid_mode,
    parameter.all_orders_after_first_edition,
    $source as source,
    cast($inputs as json) as inputs,
    $rules_hash as rules_hash,
    $sql_hash as sql_hash,
    cast($files as json) as files,
    cast($versions as json) as versions,
    cast($parameters as json) as parameters,
    cast($row_counts as json) as row_counts,
    $settings_hash as settings_hash
from stg.parameter as parameter
cross join reached
