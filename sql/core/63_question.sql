-- One row per imaging order line of a case, edition and question that its rating answers (SPEC 6, 7).
-- breast_response asks variant 2; reroute asks the variant of the scenario the order was routed to, if it has one.
with

asked as (

    -- Orders that ask for the response under another definition of the multiverse only are judged too (SPEC 9).
    select
        asking.order_id,
        'breast_response' as question,
        null as scenario,
        bool_or(asking.is_of_measure) as is_of_measure
    from (
        select order_id, true as is_of_measure from core.routed
        where router_row = 15 or reason = 'therapy_end_unknown'
        union all
        select order_id, false as is_of_measure from core.timed_response
    ) as asking
    group by asking.order_id
    union all
    select
        routed.order_id,
        'reroute' as question,
        case
            when routed.scenario <> 'baseline' then routed.scenario
            when exam_line.is_axillary and procedure.is_biopsy then 'baseline_axillary_biopsy'
            when exam_line.is_axillary or (router_fact.is_exam and router_fact.says_axilla) then 'baseline_axilla'
            when exam_line.response_pool then 'baseline_breast'
        end as scenario,
        true as is_of_measure
    from core.routed as routed
    inner join core.exam_line as exam_line
        on exam_line.order_id = routed.order_id
    inner join core.router_fact as router_fact
        on router_fact.order_id = routed.order_id
    left join rule.procedure as procedure
        on procedure.procedure = exam_line.procedure
    where
        routed.reading = 'as_defined'
        and (routed.status = 'rerouted' or routed.scenario = 'baseline')

)

select
    asked.order_id,
    asked.question,
    asked.scenario,
    asked.is_of_measure,
    order_edition.edition,
    order_edition.could_be_in_force,
    order_edition.is_current,
    case
        when order_edition.edition is null then null
        when asked.question = 'breast_response' then breast_variant.variant
        else reroute.variant
    end as variant,
    case when asked.question = 'reroute' then reroute.also_variant end as also_variant,
    reroute.reason as no_variant_reason
from asked
inner join core.order_edition as order_edition
    on order_edition.order_id = asked.order_id
inner join core.nodal_status as nodal_status
    on nodal_status.order_id = asked.order_id
inner join core.phase as phase
    on phase.order_id = asked.order_id
left join rule.variant as breast_variant
    on
        breast_variant.edition = order_edition.edition
        and breast_variant.scenario_group = 'breast_response'
left join rule.reroute as reroute
    on
        reroute.scenario = asked.scenario
        and reroute.edition = order_edition.edition
        and reroute.phase in ('any', phase.phase)
        and reroute.nodes in ('any', nodal_status.nodal_status)
        and reroute.has_earlier_axillary_exam in (
            'any', cast(nodal_status.has_earlier_axillary_exam as varchar)
        )
