-- One row per row of the router, with how it went for that order: the first that holds decides.
-- found names what made it hold, where that is another row or a code.
with

trial as (

    select
        router_trial.row,
        router.condition,
        router_trial.holds,
        min(router_trial.row) filter (where router_trial.holds) over () as deciding_row
    from core.router_trial as router_trial
    inner join rule.router as router
        on router.row = router_trial.row
    where
        router_trial.order_id = $order_id
        and router_trial.reading = 'as_defined'

)

select
    trial.row,
    case
        when trial.row > trial.deciding_row then 'not reached'
        when trial.holds then 'held'
        when trial.holds is null then 'not known'
        else 'did not hold'
    end as outcome,
    trial.condition,
    case
        when trial.row > trial.deciding_row then null
        when trial.row = 5 then router_fact.biopsy_id
        when trial.row = 6 then router_fact.screening_code
        when trial.row = 8 then router_fact.progression_id
        when trial.row = 9 then router_fact.discordance_id
        when trial.row = 10
            then coalesce(router_fact.metastasis_id, router_fact.metastasis_code)
    end as found
from trial
inner join core.router_fact as router_fact
    on router_fact.order_id = $order_id
order by trial.row
