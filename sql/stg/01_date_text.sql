-- One row per date as some extract writes it, with the calendar day it names (null where unreadable).
-- The date as written decides; only an instant in UTC is first brought to the site's time zone.
-- Under relative_days day n is stored as 2000-01-01 + n days: arithmetic works, the calendar means nothing.
with

written as (

    select ordered_on as written from raw.orders
    union
    select scheduled_on as written from raw.orders
    union
    select performed_on as written from raw.orders
    union
    select diagnosed_on as written from raw.diagnoses
    union
    select started_on as written from raw.therapies
    union
    select ended_on as written from raw.therapies
    union
    select performed_on as written from raw.procedures
    union
    select observed_to as written from raw.patients
    union
    select reported_on as written from raw.findings

),

shaped as (

    select
        written,
        trim(written) as text,
        regexp_full_match(trim(written), '[+-]?[0-9]{1,6}') as is_day_number,
        regexp_full_match(trim(written), '[0-9]{4}-[0-9]{2}-[0-9]{2}') as is_date,
        regexp_full_match(
            trim(written),
            '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?'
            || ' ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)?'
        ) as is_timestamp,
        regexp_full_match(
            trim(written), '.*[0-9] ?(Z|z|[+-]00(:?00)?)'
        ) as is_utc,
        regexp_replace(trim(written), ' ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$', '') as local_text
    from written
    where written is not null

),

named as (

    select
        shaped.written,
        case
            when parameter.deid_mode = 'relative_days' and shaped.is_day_number
                then cast('2000-01-01' as date) + try_cast(shaped.text as integer)
            when parameter.deid_mode = 'relative_days' then null
            when shaped.is_date then try_cast(shaped.text as date)
            when shaped.is_timestamp and shaped.is_utc
                then cast(
                    timezone(
                        parameter.site_timezone,
                        timezone('UTC', try_cast(shaped.local_text as timestamp))
                    ) as date
                )
            when shaped.is_timestamp
                then cast(try_cast(shaped.local_text as timestamp) as date)
        end as day
    from shaped
    cross join stg.parameter as parameter

)

-- East of UTC the last instant of the year 9999, which systems write for "no date", is a day that no calendar here has.
select
    written,
    case when day <= cast('9999-12-31' as date) then day end as day
from named
