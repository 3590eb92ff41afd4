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
        date_trunc('year', min(day)) as first_year,
        date_trunc('year', max(day)) as last_year
    from touched

),

whole as (

    select cast(unnest(generate_series(first_year, last_year + interval '1 year', interval '1 day')) as date) as day
    from span

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
cross join span
cross join stg.parameter as parameter
where whole.day < cast(span.last_year + interval '1 year' as date)
