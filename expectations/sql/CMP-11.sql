-- One row per measure whose headline is lower, or more perfect, than care is known to be.
with

alarm as (

    select
        max(case when name = 'rate_alarm_low' then cast(value as double) end) as low_rate,
        max(case when name = 'rate_alarm_full_n' then cast(value as integer) end) as full_n
    from rule.parameter
    where name like 'rate_alarm%'

)

select headline.measure
from {batch} as headline
cross join alarm
where
    headline.basis = 'episode'
    and headline.period_grain = 'all'
    and headline.stratum = 'all'
    and (
        headline.rate < alarm.low_rate
        or (headline.rate = 1 and headline.n_appropriate > alarm.full_n)
    )
