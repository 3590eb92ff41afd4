-- One row per order id that is asked for: what the dates of its story mean, which is the same for all orders of a run.
select
    cast($order_id as varchar) as order_id,
    deid_mode,
    case deid_mode
        when 'relative_days' then 'counted from each person''s own origin: 2000-01-01 stands for day 0'
        when 'shifted_dates' then 'shifted by one span per person: intervals are true, calendar days are not'
        else 'true calendar days'
    end as meaning
from rule.run
