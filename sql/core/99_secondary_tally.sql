-- One row per secondary measure, part and period, with what was counted there.
-- Every measure has its row over all time even where nothing was counted; other periods only where something was.
with

period as (

    select
        measure,
        part,
        'all' as period_grain,
        cast(null as date) as period_start
    from core.secondary_part
    union all by name
    select
        secondary_unit.*,
        'all' as period_grain,
        cast(null as date) as period_start
    from core.secondary_unit as secondary_unit
    union all by name
    select
        secondary_unit.*,
        grain.period_grain,
        cast(date_trunc(grain.period_grain, secondary_unit.counted_on) as date) as period_start
    from core.secondary_unit as secondary_unit
    cross join (select unnest(string_split('year;quarter', ';')) as period_grain) as grain
    cross join stg.parameter as parameter
    where parameter.deid_mode <> 'relative_days'

),

placed as (

    select
        *,
        row_number() over (
            partition by measure, part, period_grain, period_start
            order by days nulls last, unit_id
        ) - 1 as place,
        count(days) over (partition by measure, part, period_grain, period_start) - 1 as last_place
    from period

),

-- A quartile that falls between two places takes of each neighbour as much as it is near: linear interpolation.
tally as (

    select
        measure,
        part,
        period_grain,
        period_start,
        count(*) filter (where is_met) as numerator,
        count(unit_id) as denominator,
        sum(days * greatest(0, 1 - abs(place - last_place / 4))) as q1_days,
        sum(days * greatest(0, 1 - abs(place - last_place * 2 / 4))) as median_days,
        sum(days * greatest(0, 1 - abs(place - last_place * 3 / 4))) as q3_days,
        sum(msv_low) as msv_low,
        sum(msv_high) as msv_high,
        count(*) filter (where is_met and msv_low is null) as n_without_band
    from placed
    group by measure, part, period_grain, period_start

)

-- Where no exam was avoidable there was nothing to save; where none of the avoidable has a band, nobody knows how much.
select
    measure,
    part,
    period_grain,
    period_start,
    numerator,
    denominator,
    q1_days,
    median_days,
    q3_days,
    case when measure = 'S7' and denominator > 0 and numerator = 0 then 0 else msv_low end as msv_low,
    case when measure = 'S7' and denominator > 0 and numerator = 0 then 0 else msv_high end as msv_high,
    case when measure = 'S7' then n_without_band end as n_unknown_band
from tally
