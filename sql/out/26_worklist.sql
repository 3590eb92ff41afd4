-- One row per index order that somebody should look at: not appropriate, in a mixed episode, unrated or indeterminate.
-- For the protected zone. Site, finding and reason come first, so that sorted by its columns it is grouped by them: it is
-- about orders, never a table of the people who wrote them.
with

found as (

    select
        index_order.*,
        case
            when not index_order.is_appropriate then 'not_appropriate'
            when episode.verdict = 'mixed' then 'mixed'
            when index_order.status in ('unrated', 'indeterminate') then index_order.status
        end as finding,
        episode.verdict
    from core.index_order as index_order
    inner join out.episode as episode
        on
            episode.case_id = index_order.case_id
            and episode.measure = index_order.measure
    where index_order.reading = 'as_defined'

)

select
    order_label.site_id,
    found.finding,
    order_label.reason,
    order_label.order_id,
    order_label.patient_id,
    order_label.case_id,
    order_label.ordering_provider_id,
    order_label.measure,
    found.index_on,
    order_label.ordered_on,
    order_label.clock_on,
    order_label.code_system,
    order_label.code,
    order_label.procedure,
    order_label.laterality,
    order_label.edition,
    order_label.variant,
    order_label.rating,
    found.verdict,
    neoadjuvant_case.intent_tier,
    order_label.exception,
    order_label.alternative,
    order_label.radiation_level_difference,
    order_label.counterfactual,
    coalesce(named.resolution, general.resolution) as resolution,
    order_label.evidence
from found
inner join out.order_label as order_label
    on order_label.order_id = found.order_id
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = found.case_id
left join rule.resolution as named
    on
        named.finding = found.finding
        and named.reason = order_label.reason
left join rule.resolution as general
    on
        general.finding = found.finding
        and general.reason = 'any'
where found.finding is not null
