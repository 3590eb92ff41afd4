-- One row per imaging order line of a case and question: the verdict on which every possible edition agrees.
-- Where they differ the order is unrated, because nobody knows which edition was in force (DECISIONS 12).
with

agreement as (

    select
        order_id,
        question,
        min(scenario) as scenario,
        count(*) as n_editions,
        count(distinct concat_ws('|', status, coalesce(reason, ''), coalesce(rating, ''))) = 1 as is_agreed,
        min(edition) as edition,
        min(variant) as variant,
        count(distinct coalesce(variant, '')) as n_variants,
        min(status) as status,
        min(reason) as reason,
        min(rating) as rating,
        case when count(distinct rating_score) = 1 then min(rating_score) end as rating_score,
        max(radiation_level) as radiation_level,
        string_agg(distinct source_locator, ' / ' order by source_locator) as source_locator,
        question = 'breast_response' and bool_and(kind = 'unmapped') as is_unmapped
    from core.verdict
    where could_be_in_force
    group by order_id, question

)

select
    order_id,
    question,
    scenario,
    case
        when n_editions = 1 then edition
        when is_agreed then 'any'
    end as edition,
    case
        when
            is_agreed
            and n_variants = 1
            and (
                question = 'reroute'
                or status = 'rated'
                or reason in ('not_rated_in_variant', 'contrast_unspecified')
            )
            then variant
    end as variant,
    case
        when is_agreed or is_unmapped then status
        else 'unrated'
    end as status,
    case
        when is_agreed or is_unmapped then reason
        else 'edition_unknown'
    end as reason,
    case when is_agreed then rating end as rating,
    case when is_agreed then rating_score end as rating_score,
    case when is_agreed then radiation_level end as radiation_level,
    case when is_agreed then source_locator end as source_locator
from agreement
