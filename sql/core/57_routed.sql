-- One row per imaging order line of a case and reading: the first router row that holds and what it says (SPEC 6).
with

decided as (

    select
        order_id,
        reading,
        min(row) as router_row
    from core.router_trial
    where holds
    group by order_id, reading

)

-- Rows 7 and 14 of the router say what the order's phase says; the others speak for themselves.
select
    decided.order_id,
    decided.reading,
    decided.router_row,
    placed.phase,
    case when router.row in (7, 14) then phase.status else router.status end as status,
    case when router.row in (7, 14) then phase.reason else router.reason end as reason,
    case when router.row in (7, 14) then phase.scenario else router.scenario end as scenario
from decided
inner join core.phase as placed
    on placed.order_id = decided.order_id
inner join rule.phase as phase
    on phase.row = placed.phase_row
inner join rule.router as router
    on router.row = decided.router_row
