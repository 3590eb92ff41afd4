-- One row per day of the years that the facts touch: the dimension that every day of the facts leads to.
-- The years are whole, as date tables of dashboards must be. Under relative_days a day is a number of days from a
-- person's own origin, so it has neither year nor month; under shifted_dates the years are those of the shifted axis.
with

touched as (

    select ordered_on as day from out.order_label
    union all
    select clock_on as day from out.order_label
    union all
    select index_on as day from out.episode
    union all
    select index_on as day from out.scenario_episode
    union all
    select diagnosed_on as day from out.neoadjuvant_case
    union all
    select candidate_start_on as day from out.neoadjuvant_case
    union all
    select first_dose_on as day from out.neoadjuvant_case
    union all
    select last_dose_on as day from out.neoadjuvant_case
    union all
    select last_cover_on as day from out.neoadjuvant_case
    union all
    select surgery_on as day from out.neoadjuvant_case
    union all
    select covered_to as day from out.neoadjuvant_case

),

span as (

    select
        cast(date_trunc('year', min(day)) as date) as first_day,
        cast(date_trunc('year', max(day)) + interval '1 year' as date) as day_after
    from touched

),

counted as (

    select
        unnest(generate_series(first_day, day_after, interval '1 day')) as instant,
        day_after
    from span

),

whole as (

    select cast(instant as date) as day
    from counted
    where cast(instant as date) < day_after

)

select
    whole.day,
    case when parameter.deid_mode <> 'relative_days' then year(whole.day) end as calendar_year,
    case when parameter.deid_mode <> 'relative_days' then quarter(whole.day) end as quarter_of_year,
    case when parameter.deid_mode <> 'relative_days' then month(whole.day) end as month_of_year,
    case when parameter.deid_mode <> 'relative_days' then cast(date_trunc('year', whole.day) as date) end as year_start,
    case when parameter.deid_mode <> 'relative_days' then cast(date_trunc('quarter', whole.day) as date) end as quarter_start,
    case when parameter.deid_mode <> 'relative_days' then cast(date_trunc('month', whole.day) as date) end as month_start,
    parameter.has_calendar as is_true_date
from whole
cross join stg.parameter as parameter
