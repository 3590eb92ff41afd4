-- One row per id of the orders and run: how far the order came, in the words of the funnel. Copies count once.
select
    'earlier' as run,
    order_id,
    min(reason) as reason
from earlier.core.line_fate
where reason <> 'exact_duplicate'
group by order_id
union all
select
    'later',
    order_id,
    min(reason)
from later.core.line_fate
where reason <> 'exact_duplicate'
group by order_id
