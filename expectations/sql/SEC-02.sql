-- One row per secondary measure and part of the rules without a row over all time.
select
    named.measure,
    named.part
from rule.secondary_measure as named
left join {batch} as figure
    on
        figure.measure = named.measure
        and figure.part = named.part
        and figure.period_grain = 'all'
where figure.measure is null
