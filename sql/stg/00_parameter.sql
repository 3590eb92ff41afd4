-- One row per run: every parameter of the measure side by side, with the facts of the run.
-- Models cross join this row, so that a number that can be argued about is never a literal in SQL.
with

named as (

    select
        max(case when name = 'metachronous_days' then cast(value as integer) end) as metachronous_days,
        max(case when name = 'workup_days' then cast(value as integer) end) as workup_days,
        max(case when name = 'therapy_grace_days' then cast(value as integer) end) as therapy_grace_days,
        max(case when name = 'continuation_days' then cast(value as integer) end) as continuation_days,
        max(case when name = 'therapy_start_max_days' then cast(value as integer) end) as therapy_start_max_days,
        max(case when name = 'course_gap_days' then cast(value as integer) end) as course_gap_days,
        max(case when name = 'oral_gap_days' then cast(value as integer) end) as oral_gap_days,
        max(case when name = 'max_course_days' then cast(value as integer) end) as max_course_days,
        max(case when name = 'metastasis_grace_days' then cast(value as integer) end) as metastasis_grace_days,
        max(case when name = 'min_doses' then cast(value as integer) end) as min_doses,
        max(case when name = 'min_course_days' then cast(value as integer) end) as min_course_days,
        max(case when name = 'min_endocrine_days' then cast(value as integer) end) as min_endocrine_days,
        max(case when name = 'oral_supply_days' then cast(value as integer) end) as oral_supply_days,
        max(case when name = 'default_supply_days' then cast(value as integer) end) as default_supply_days,
        max(case when name = 'surgery_max_days' then cast(value as integer) end) as surgery_max_days,
        max(case when name = 'lookback_days' then cast(value as integer) end) as lookback_days,
        max(case when name = 'baseline_days' then cast(value as integer) end) as baseline_days,
        max(case when name = 'min_response_days' then cast(value as integer) end) as min_response_days,
        max(case when name = 'completion_lead_days' then cast(value as integer) end) as completion_lead_days,
        max(case when name = 'window_days' then cast(value as integer) end) as window_days,
        max(case when name = 'preop_days' then cast(value as integer) end) as preop_days,
        max(case when name = 'evidence_days' then cast(value as integer) end) as evidence_days,
        max(case when name = 'adult_age' then cast(value as integer) end) as adult_age,
        max(case when name = 'max_shift_days' then cast(value as integer) end) as max_shift_days,
        max(case when name = 'small_cell_max' then cast(value as integer) end) as small_cell_max,
        max(case when name = 'companion_days' then cast(value as integer) end) as companion_days,
        max(case when name = 'escalation_days' then cast(value as integer) end) as escalation_days,
        max(case when name = 'repeat_days' then cast(value as integer) end) as repeat_days,
        max(case when name = 'performed_within_days' then cast(value as integer) end) as performed_within_days,
        max(case when name = 'timely_days' then cast(value as integer) end) as timely_days,
        max(case when name = 'baseline_lookback_days' then cast(value as integer) end) as baseline_lookback_days,
        max(case when name = 'baseline_after_days' then cast(value as integer) end) as baseline_after_days,
        max(case when name = 'staging_days' then cast(value as integer) end) as staging_days,
        max(case when name = 'rate_alarm_full_n' then cast(value as integer) end) as rate_alarm_full_n,
        max(case when name = 'rate_alarm_low' then cast(value as double) end) as rate_alarm_low,
        max(case when name = 'laterality_alarm' then cast(value as double) end) as laterality_alarm,
        max(case when name = 'response_imaging_alarm' then cast(value as double) end) as response_imaging_alarm,
        max(case when name = 'maturity_share' then cast(value as double) end) as maturity_share,
        max(case when name = 'clock' then value end) as clock,
        max(case when name = 'site_timezone' then value end) as site_timezone,
        max(case when name = 'quarantine_max_share' then cast(value as double) end) as quarantine_max_share,
        max(case when name = 'unrated_withhold_share' then cast(value as double) end) as unrated_withhold_share,
        max(case when name = 'wilson_z' then cast(value as double) end) as wilson_z
    from rule.parameter

)

select
    run.run_id,
    run.deid_mode,
    run.deid_mode = 'limited_data_set' as has_calendar,
    run.as_of as declared_as_of,
    run.source,
    -- Without a true calendar no day of the delivery can be held against this one.
    case when run.deid_mode = 'limited_data_set' then run.data_from end as data_from,
    run.all_orders_after_first_edition,
    run.edition_override,
    named.*
from rule.run as run
cross join named
