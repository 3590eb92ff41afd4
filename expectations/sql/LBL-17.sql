-- One row per label whose status or reason is not one of those of the router row that decided it.
-- Row 15 leads on to the rating, which has outcomes of its own.
select label.order_id
from {batch} as label
left join rule.router as router
    on
        router.row = label.router_row
        and ';' || router.status || ';' like '%;' || label.status || ';%'
        and ';' || router.reason || ';' like '%;' || label.reason || ';%'
where
    label.router_row < 15
    and router.row is null
