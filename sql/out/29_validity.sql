-- One row per alarm of SPEC 10 and figure that it watches: an alarm points to the data or the mapping before it points to care.
with

watched as (

    select
        'rate_low' as alarm,
        compliance.measure,
        compliance.rate as value,
        parameter.rate_alarm_low as threshold,
        compliance.n_index as n,
        compliance.rate < parameter.rate_alarm_low as is_alarm
    from out.compliance as compliance
    cross join stg.parameter as parameter
    where compliance.basis = 'episode' and compliance.period_grain = 'all' and compliance.stratum = 'all'
    union all
    select
        'rate_full' as alarm,
        compliance.measure,
        compliance.rate as value,
        1 as threshold,
        compliance.n_index as n,
        compliance.rate = 1 and compliance.n_appropriate > parameter.rate_alarm_full_n as is_alarm
    from out.compliance as compliance
    cross join stg.parameter as parameter
    where compliance.basis = 'episode' and compliance.period_grain = 'all' and compliance.stratum = 'all'
    union all
    select
        'laterality' as alarm,
        secondary_measure.part as measure,
        1 - secondary_measure.rate as value,
        parameter.laterality_alarm as threshold,
        secondary_measure.denominator as n,
        1 - secondary_measure.rate > parameter.laterality_alarm
        and secondary_measure.denominator > parameter.small_cell_max as is_alarm
    from out.secondary_measure as secondary_measure
    cross join stg.parameter as parameter
    where secondary_measure.measure = 'S9' and secondary_measure.period_grain = 'all'
    union all
    select
        'response_imaging' as alarm,
        secondary_measure.part as measure,
        secondary_measure.rate as value,
        parameter.response_imaging_alarm as threshold,
        secondary_measure.denominator as n,
        secondary_measure.rate < parameter.response_imaging_alarm
        and secondary_measure.denominator > parameter.small_cell_max as is_alarm
    from out.secondary_measure as secondary_measure
    cross join stg.parameter as parameter
    where secondary_measure.measure = 'S1' and secondary_measure.period_grain = 'all'

)

-- Where there is no figure there is no alarm either, and no all-clear: is_alarm is null.
select
    watched.alarm,
    watched.measure,
    watched.value,
    watched.threshold,
    watched.n,
    case when watched.value is not null then watched.is_alarm end as is_alarm,
    alarm.label,
    alarm.next_step
from watched
inner join rule.alarm as alarm
    on alarm.alarm = watched.alarm
