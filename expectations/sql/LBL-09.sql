-- One row per rated order whose rating is not that of the row for its edition, variant and exam.
-- The label already bears the name that its edition uses for the exam.
select label.order_id
from {batch} as label
left join rule.rating as rating
    on
        rating.edition = label.edition
        and rating.variant = label.variant
        and rating.procedure = label.procedure
        and rating.rating = label.rating
        and rating.rating_score = label.rating_score
where
    label.status = 'rated'
    and label.edition <> 'any'
    and rating.rating is null
