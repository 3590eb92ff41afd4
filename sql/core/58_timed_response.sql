-- One row per imaging order line and timing under which it asks for the response of the breast after completion (SPEC 6, 9).
-- Only rows 7 and 14 of the router look at the phase, and neither holds after completion: such an order reaches the last
-- row if none of the other rows takes it away, whatever the timing.
with

asking as (

    select
        order_id,
        min(row) as router_row
    from core.router_trial
    where reading = 'as_defined' and holds and not hangs_on_phase
    group by order_id

)

select
    every_phase.order_id,
    every_phase.timing,
    phase.phase
from core.every_phase as every_phase
inner join rule.phase as phase
    on
        phase.row = every_phase.phase_row
        and phase.measure = 'post_completion'
inner join asking
    on asking.order_id = every_phase.order_id
inner join rule.router as router
    on
        router.row = asking.router_row
        and router.scenario = 'breast_response'
