-- One row per imaging order line that belongs to a neoadjuvant case, with its label and everything the label rests on.
-- rating and is_appropriate are null unless the order was rated under variant 2; a rerouted order is rated in its own columns.
-- The columns of the current edition say what the rating would be today: the second reading of history.
with

told as (

    select distinct
        order_id,
        role,
        row_id
    from core.evidence

),

-- Over sorted rows and not as an ordered aggregate, which would hold the evidence of every order in memory at once.
evidence as (

    select
        order_id,
        string_agg(role || ':' || row_id, '; ') over so_far as evidence
    from told
    window so_far as (
        partition by order_id
        order by role, row_id
    )
    qualify lead(row_id) over so_far is null

),

labelled as (

    select
        routed.order_id,
        routed.router_row,
        routed.phase,
        routed.scenario,
        coalesce(routed.status, response_order.status) as status,
        coalesce(routed.reason, response_order.reason) as reason,
        coalesce(response_order.edition, reroute.edition) as edition,
        response_order.variant,
        response_order.rating,
        response_order.rating_score,
        response_order.is_appropriate,
        response_order.measure,
        response_order.purpose_basis,
        response_order.exception,
        response_order.radiation_level,
        coalesce(response_order.source_locator, reroute.source_locator) as source_locator,
        reroute.variant as reroute_variant,
        reroute.rating as reroute_rating,
        reroute.reason as reroute_reason,
        reroute.scenario as reroute_scenario,
        reroute.status as reroute_status,
        case when response_order.order_id is not null then current_response.rating end as rating_current_edition,
        current_reroute.rating as reroute_rating_current_edition,
        index_order.index_rank,
        case when response_order.order_id is not null then index_order.order_id is not null end as is_first
    from core.routed as routed
    left join core.response_order as response_order
        on
            response_order.order_id = routed.order_id
            and response_order.reading = routed.reading
    left join core.index_order as index_order
        on
            index_order.order_id = routed.order_id
            and index_order.reading = routed.reading
    left join core.rated as reroute
        on
            reroute.order_id = routed.order_id
            and reroute.question = 'reroute'
    left join core.current_verdict as current_response
        on
            current_response.order_id = routed.order_id
            and current_response.question = 'breast_response'
    left join core.current_verdict as current_reroute
        on
            current_reroute.order_id = routed.order_id
            and current_reroute.question = 'reroute'
    where routed.reading = 'as_defined'

)

select
    exam_line.order_id,
    exam_line.patient_id,
    exam_line.case_id,
    exam_line.site_id,
    exam_line.ordering_provider_id,
    exam_line.payer,
    exam_line.ordered_on,
    exam_line.clock_on,
    exam_line.code_system,
    exam_line.code,
    coalesce(line_alias.alias_procedure, exam_line.procedure) as procedure,
    line_alias.alias_procedure is not null as is_alias,
    exam.laterality,
    labelled.phase,
    labelled.scenario,
    labelled.status,
    labelled.reason,
    labelled.edition,
    labelled.variant,
    labelled.rating,
    labelled.rating_score,
    labelled.is_appropriate,
    labelled.measure,
    labelled.is_first,
    labelled.index_rank,
    labelled.reroute_scenario,
    labelled.reroute_variant,
    labelled.reroute_status,
    labelled.reroute_rating,
    labelled.reroute_reason,
    scenario_order.is_first as reroute_is_first,
    scenario_order.index_rank as reroute_index_rank,
    labelled.rating_current_edition,
    labelled.reroute_rating_current_edition,
    labelled.purpose_basis,
    labelled.exception,
    alternative.alternative,
    alternative.counterfactual,
    labelled.radiation_level,
    band.msv_low as radiation_msv_low,
    band.msv_high as radiation_msv_high,
    alternative.alternative_radiation_level,
    alternative_band.msv_low as alternative_msv_low,
    alternative_band.msv_high as alternative_msv_high,
    labelled.radiation_level - alternative.alternative_radiation_level as radiation_level_difference,
    exam_line.contrast_assumed is true as contrast_assumed,
    router_fact.is_under_age is null as age_unknown,
    labelled.router_row,
    exam_line.exam_id,
    labelled.source_locator,
    evidence.evidence
from labelled
inner join core.exam_line as exam_line
    on exam_line.order_id = labelled.order_id
inner join core.exam as exam
    on exam.exam_id = exam_line.exam_id
inner join core.router_fact as router_fact
    on router_fact.order_id = labelled.order_id
left join core.line_alias as line_alias
    on line_alias.order_id = labelled.order_id
left join core.alternative as alternative
    on alternative.order_id = labelled.order_id
left join core.scenario_order as scenario_order
    on scenario_order.order_id = labelled.order_id
left join rule.radiation_level as band
    on band.level = labelled.radiation_level
left join rule.radiation_level as alternative_band
    on alternative_band.level = alternative.alternative_radiation_level
left join evidence
    on evidence.order_id = labelled.order_id
