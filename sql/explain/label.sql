-- One row per label of that order, with the words that the rules have for what it says.
with

alternative as (

    select
        order_id,
        unnest(string_split(alternative, '; ')) as procedure
    from out.order_label
    where order_id = $order_id

),

named_alternative as (

    select
        alternative.order_id,
        string_agg(procedure.label, '; ' order by alternative.procedure) as alternative_label
    from alternative
    inner join rule.procedure as procedure
        on procedure.procedure = alternative.procedure
    group by alternative.order_id

)

select
    order_label.*,
    procedure.label as procedure_label,
    named_alternative.alternative_label,
    edition.title as edition_title,
    variant.question as variant_question,
    reroute_variant.question as reroute_question,
    scenario.label as scenario_label
from out.order_label as order_label
left join rule.procedure as procedure
    on procedure.procedure = order_label.procedure
left join named_alternative
    on named_alternative.order_id = order_label.order_id
left join rule.edition as edition
    on edition.edition = order_label.edition
left join rule.variant as variant
    on
        variant.edition = order_label.edition
        and variant.variant = order_label.variant
left join rule.variant as reroute_variant
    on
        reroute_variant.edition = order_label.edition
        and reroute_variant.variant = order_label.reroute_variant
left join rule.scenario as scenario
    on scenario.scenario = order_label.scenario
where order_label.order_id = $order_id
