-- One row per imaging order line of a case, question and edition, with the verdict under that edition (SPEC 7).
-- The checks in their order: unmapped, no edition, no variant, contrast not stated, no row, the row (DECISIONS 13).
-- Where two variants could apply for want of the nodal status, a rating stands only if both give it (DECISIONS 46).
with

named as (

    select
        question.*,
        exam_line.kind,
        exam_line.contrast_assumed,
        coalesce(alias.rated_as, exam_line.procedure) as rated_procedure,
        procedure.contrast = 'unspecified' and procedure.modality = 'mr' as is_contrast_unspecified
    from core.question as question
    inner join core.exam_line as exam_line
        on exam_line.order_id = question.order_id
    left join rule.procedure as procedure
        on procedure.procedure = exam_line.procedure
    left join rule.variant as variant
        on
            variant.edition = question.edition
            and variant.variant = question.variant
    left join rule.procedure_alias as alias
        on
            alias.edition = question.edition
            and alias.procedure = exam_line.procedure
            and alias.scope in ('any', variant.body_region)

),

looked_up as (

    select
        named.*,
        rating.rating,
        rating.rating_score,
        rating.radiation_level,
        rating.source_locator,
        named.also_variant is not null
        and coalesce(rating.rating, 'no row') <> coalesce(also.rating, 'no row') as hangs_on_nodes
    from named
    left join rule.rating as rating
        on
            rating.edition = named.edition
            and rating.variant = named.variant
            and rating.procedure = named.rated_procedure
            and named.kind = 'mapped'
    left join rule.rating as also
        on
            also.edition = named.edition
            and also.variant = named.also_variant
            and also.procedure = named.rated_procedure
            and named.kind = 'mapped'

),

answered as (

    select
        * exclude (variant, no_variant_reason, rating, rating_score, radiation_level, source_locator),
        case when hangs_on_nodes then 'nodal_status_unknown' else no_variant_reason end as no_variant_reason,
        case when not hangs_on_nodes then variant end as variant,
        case when not hangs_on_nodes then rating end as rating,
        case when not hangs_on_nodes then rating_score end as rating_score,
        case when not hangs_on_nodes then radiation_level end as radiation_level,
        case when not hangs_on_nodes then source_locator end as source_locator
    from looked_up

)

select
    order_id,
    question,
    scenario,
    is_of_measure,
    edition,
    could_be_in_force,
    is_current,
    variant,
    kind,
    rating,
    rating_score,
    radiation_level,
    source_locator,
    case
        when rating is not null then 'rated'
        when
            question = 'breast_response' and kind = 'mapped'
            and edition is not null and is_contrast_unspecified
            then 'indeterminate'
        when question = 'reroute' and edition is not null and no_variant_reason = 'nodal_status_unknown'
            then 'indeterminate'
        else 'unrated'
    end as status,
    case
        when rating is not null then null
        when question = 'breast_response' and kind = 'unmapped' then 'unmapped_code'
        when edition is null then 'no_edition_in_force'
        when question = 'breast_response' and is_contrast_unspecified then 'contrast_unspecified'
        when question = 'breast_response' then 'not_rated_in_variant'
        else coalesce(no_variant_reason, 'no_matching_variant')
    end as reason
from answered
