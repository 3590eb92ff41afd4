-- One row per imaging order line of a case, question and edition, with the verdict under that edition (SPEC 7).
-- The checks in their order: unmapped, no edition, no variant, contrast not stated, no row, the row (DECISIONS 13).
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

)

select
    named.order_id,
    named.question,
    named.scenario,
    named.edition,
    named.variant,
    named.kind,
    rating.rating,
    rating.rating_score,
    rating.radiation_level,
    rating.source_locator,
    case
        when rating.rating is not null then 'rated'
        when
            named.question = 'breast_response' and named.kind = 'mapped'
            and named.edition is not null and named.is_contrast_unspecified
            then 'indeterminate'
        else 'unrated'
    end as status,
    case
        when rating.rating is not null then null
        when named.question = 'breast_response' and named.kind = 'unmapped' then 'unmapped_code'
        when named.edition is null then 'no_edition_in_force'
        when named.question = 'breast_response' and named.is_contrast_unspecified
            then 'contrast_unspecified'
        when named.question = 'breast_response' then 'not_rated_in_variant'
        else coalesce(named.no_variant_reason, 'no_matching_variant')
    end as reason
from named
left join rule.rating as rating
    on
        rating.edition = named.edition
        and rating.variant = named.variant
        and rating.procedure = named.rated_procedure
        and named.kind = 'mapped'
