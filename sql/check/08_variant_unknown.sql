-- One row per rating without its variant, variant without its edition, or variant that rates nothing.
-- RUL-08, error: an order could be routed to a question that nobody answers.
select
    'rating.csv' as file,
    rating.edition || ', variant ' || rating.variant || ', ' || rating.procedure as row_key,
    'the edition has no such variant' as message,
    'add the variant to rules/variant.csv, or correct the rating' as fix
from rule.rating as rating
left join rule.variant as variant
    on
        variant.edition = rating.edition
        and variant.variant = rating.variant
where variant.variant is null
union all
select
    'variant.csv' as file,
    variant.edition || ', variant ' || variant.variant as row_key,
    'there is no such edition' as message,
    'add the edition to rules/edition.csv, or correct the variant' as fix
from rule.variant as variant
left join rule.edition as edition
    on edition.edition = variant.edition
where edition.edition is null
union all
select
    'variant.csv' as file,
    variant.edition || ', variant ' || variant.variant as row_key,
    'the variant rates no procedure' as message,
    'add its ratings to rules/rating.csv, or remove the variant' as fix
from rule.variant as variant
left join rule.rating as rating
    on
        rating.edition = variant.edition
        and rating.variant = variant.variant
where rating.variant is null
