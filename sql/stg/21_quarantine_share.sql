-- One row per extract: how much of it could not be read, and most often why.
with

extract_size as (

    select
        'orders' as extract,
        (select count(*) from raw.orders) + (select count(*) from raw.other_order) as n_read
    union all
    select 'diagnoses', count(*) from raw.diagnoses
    union all
    select 'therapies', count(*) from raw.therapies
    union all
    select 'procedures', count(*) from raw.procedures
    union all
    select 'patients', count(*) from raw.patients
    union all
    select 'findings', count(*) from raw.findings
    union all
    select 'code_map', count(*) from raw.code_map

),

rejected as (

    select
        extract,
        count(*) as n_rejected
    from raw.rejected_row
    group by extract

),

quarantined as (

    select
        extract,
        count(distinct part || ':' || cast(line as varchar)) as n_quarantined
    from stg.quarantine
    group by extract

),

common as (

    select
        extract,
        concat_ws(' ', column_name, reason) as common_reason,
        count(*) as n_common_reason
    from stg.quarantine
    group by extract, column_name, reason
    qualify
        row_number() over (
            partition by extract
            order by count(*) desc, reason, column_name
        ) = 1

)

select
    extract_size.extract,
    extract_size.n_read + coalesce(rejected.n_rejected, 0) as n_rows,
    coalesce(quarantined.n_quarantined, 0) as n_quarantined,
    common.common_reason,
    common.n_common_reason,
    parameter.quarantine_max_share,
    coalesce(quarantined.n_quarantined, 0)
    > parameter.quarantine_max_share * (extract_size.n_read + coalesce(rejected.n_rejected, 0)) as is_over_share
from extract_size
left join rejected
    on rejected.extract = extract_size.extract
left join quarantined
    on quarantined.extract = extract_size.extract
left join common
    on common.extract = extract_size.extract
cross join stg.parameter as parameter
