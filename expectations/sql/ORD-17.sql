-- One row per hole: a busy month after which no order follows for a month or more, though another busy month comes.
-- Months with less than a tenth of the usual number of orders are stragglers from before the extract, and no edge of a hole.
with

every_order as (

    select ordered_on from {batch}
    union all
    select ordered_on from raw.other_order

),

monthly as (

    select
        date_trunc('month', ordered_on) as period_start,
        count(*) as n_orders
    from every_order
    where
        (select deid_mode from rule.run) = 'limited_data_set'
        and ordered_on >= (select min(effective_from) from rule.edition)
    group by date_trunc('month', ordered_on)

),

usual as (

    select median(n_orders) as n_orders
    from monthly

),

busy as (

    select
        monthly.period_start,
        lead(monthly.period_start) over (order by monthly.period_start) as next_period_start
    from monthly
    cross join usual
    where monthly.n_orders >= 0.1 * usual.n_orders

)

select period_start
from busy
where date_diff('month', period_start, next_period_start) > 1
