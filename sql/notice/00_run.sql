-- One row per run: the day that it covers, as the history of runs is put in order by, and the parameters of noticing.
-- Without a calendar a run covers the day that its settings name, else the day on which it ran; the runner passes it.
with

named as (

    select
        max(case when name = 'notice_runs' then cast(value as integer) end) as most_runs,
        max(case when name = 'notice_recent_days' then cast(value as integer) end) as recent_days,
        max(case when name = 'notice_year_days' then cast(value as integer) end) as year_days,
        max(case when name = 'notice_most' then cast(value as integer) end) as most_alike,
        max(case when name = 'notice_z' then cast(value as double) end) as z
    from rule.parameter

)

select
    cast($covered_on as date) as covered_on,
    parameter.has_calendar,
    case when parameter.has_calendar then cast($covered_on as date) - named.recent_days end as recent_after,
    parameter.small_cell_max,
    named.most_runs,
    named.year_days,
    named.most_alike,
    named.z
from stg.parameter as parameter
cross join named
