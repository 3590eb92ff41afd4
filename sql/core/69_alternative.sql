-- One row per order that is not appropriate: what would have been, and in which scenario it would have been itself (SPEC 7).
with

order_rated as (

    select distinct
        verdict.order_id,
        verdict.edition,
        verdict.variant,
        coalesce(alias.rated_as, exam_line.procedure) as procedure
    from core.response_order as response_order
    inner join core.verdict as verdict
        on
            verdict.order_id = response_order.order_id
            and verdict.question = 'breast_response'
    inner join core.exam_line as exam_line
        on exam_line.order_id = verdict.order_id
    left join rule.procedure_alias as alias
        on
            alias.edition = verdict.edition
            and alias.procedure = exam_line.procedure
            and alias.scope = 'any'
    where
        response_order.reading = 'as_defined'
        and not response_order.is_appropriate
        and verdict.could_be_in_force
        and verdict.edition is not null

),

lowest as (

    select
        edition,
        variant,
        min(radiation_level) as radiation_level
    from rule.rating
    where rating = 'usually_appropriate'
    group by edition, variant

),

alternative as (

    select
        order_rated.order_id,
        string_agg(distinct rating.procedure, '; ' order by rating.procedure) as alternative,
        min(rating.radiation_level) as alternative_radiation_level
    from order_rated
    inner join lowest
        on
            lowest.edition = order_rated.edition
            and lowest.variant = order_rated.variant
    inner join rule.rating as rating
        on
            rating.edition = order_rated.edition
            and rating.variant = order_rated.variant
            and rating.rating = 'usually_appropriate'
            and rating.radiation_level = lowest.radiation_level
    group by order_rated.order_id

),

counterfactual as (

    select
        order_rated.order_id,
        string_agg(
            distinct
            'edition ' || variant.edition || ', variant ' || variant.variant || ' ('
            || variant.scenario_group || '): ' || coalesce(scenario.evidence_needed, variant.question),
            ' | '
            order by
            'edition ' || variant.edition || ', variant ' || variant.variant || ' ('
            || variant.scenario_group || '): ' || coalesce(scenario.evidence_needed, variant.question)
        ) as counterfactual
    from order_rated
    inner join rule.rating as rating
        on
            rating.edition = order_rated.edition
            and rating.procedure = order_rated.procedure
            and rating.variant <> order_rated.variant
            and rating.rating = 'usually_appropriate'
    inner join rule.variant as variant
        on
            variant.edition = rating.edition
            and variant.variant = rating.variant
    left join rule.scenario as scenario
        on scenario.scenario = variant.scenario_group
    group by order_rated.order_id

)

select
    alternative.order_id,
    alternative.alternative,
    alternative.alternative_radiation_level,
    coalesce(
        counterfactual.counterfactual,
        'none: no variant of the edition rates this procedure usually appropriate'
    ) as counterfactual
from alternative
left join counterfactual
    on counterfactual.order_id = alternative.order_id
