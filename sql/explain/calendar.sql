-- One row per run that read an order of that id: what the dates of the story mean.
select
    deid_mode,
    case deid_mode
        when 'relative_days' then 'counted from each person''s own origin: 2000-01-01 stands for day 0'
        when 'shifted_dates' then 'shifted by one span per person: intervals are true, calendar days are not'
        else 'true calendar days'
    end as meaning
from rule.run
where exists (select 1 from stg.order_read where order_read.order_id = $order_id)
