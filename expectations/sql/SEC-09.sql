-- One row per secondary measure, part and grain whose periods do not add up to the total.
with

by_period as (

    select
        measure,
        part,
        period_grain,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from {batch}
    where period_grain <> 'all'
    group by measure, part, period_grain

)

select by_period.measure
from by_period
left join {batch} as total
    on
        total.measure = by_period.measure
        and total.part = by_period.part
        and total.period_grain = 'all'
where
    total.numerator is distinct from by_period.numerator
    or total.denominator is distinct from by_period.denominator
