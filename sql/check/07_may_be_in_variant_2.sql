-- One row per rating of the breast response variant that is neither appropriate nor not.
-- RUL-07, error: neither edition has one, and the headline has no place for it.
select
    'rating.csv' as file,
    rating.edition || ', variant ' || rating.variant || ', ' || rating.procedure as row_key,
    rating.rating || ' in the breast response variant' as message,
    'read the row in its source again; if a new edition has such rows, the measure must be defined anew' as fix
from rule.rating as rating
inner join rule.variant as variant
    on
        variant.edition = rating.edition
        and variant.variant = rating.variant
where
    variant.scenario_group = 'breast_response'
    and rating.rating in ('may_be_appropriate', 'may_be_appropriate_disagreement')
