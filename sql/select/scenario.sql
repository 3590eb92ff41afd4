-- One row per scenario that is asked about: its question, and what the router makes of an order that asks it.
-- A context that leads to another question decides before the region does, as it does in the router (rows 8 to 11).
with

placed as (

    select
        phase,
        string_agg(condition, '; or ' order by row) as condition,
        min(status) as status,
        min(reason) as reason,
        min(scenario) as scenario,
        min(measure) as measure
    from rule.phase
    where phase = $phase
    group by phase

),

by_context as (

    select min(router.scenario) as scenario
    from rule.vocabulary as vocabulary
    inner join rule.router as router
        on router.reason = vocabulary.role
    where vocabulary.vocabulary = 'context' and vocabulary.word = cast($context as varchar)

),

by_baseline as (

    select min(reroute.scenario) as scenario
    from placed
    inner join rule.reroute as reroute
        on reroute.scenario = placed.scenario || '_' || cast($region as varchar)

),

imaged as (

    -- What a biopsy of the axilla looks at is the axilla; any other region is its own.
    select coalesce(min(body_region), cast($region as varchar)) as body_region
    from rule.variant
    where scenario_group = 'baseline_' || cast($region as varchar)

),

by_region as (

    select min(variant.scenario_group) as scenario
    from imaged
    inner join rule.variant as variant
        on
            variant.body_region = imaged.body_region
            and variant.scenario_group not like 'baseline%'

),

asked as (

    select
        placed.*,
        coalesce(by_context.scenario, by_baseline.scenario, by_region.scenario) as question
    from placed
    cross join by_context
    cross join by_baseline
    cross join by_region

),

decided as (

    select
        asked.phase,
        min(router.row) as router_row
    from asked
    inner join rule.router as router
        on
            router.scenario = asked.question
            or contains(';' || router.reason || ';', ';' || asked.reason || ';')
    group by asked.phase

)

select
    asked.question as scenario,
    scenario.label,
    asked.phase,
    asked.condition as phase_condition,
    decided.router_row,
    router.evidence,
    case when router.scenario = asked.question then router.status else asked.status end as status,
    case when router.scenario = asked.question then router.reason else asked.reason end as reason,
    case when router.scenario = asked.question and router.status is null then asked.measure end as measure,
    -- A phase that decides and leads to no question leaves nothing to rate.
    coalesce(router.scenario = asked.question, false) or asked.scenario is not null as is_asked
from asked
inner join decided
    on decided.phase = asked.phase
inner join rule.router as router
    on router.row = decided.router_row
left join rule.scenario as scenario
    on scenario.scenario = asked.question
