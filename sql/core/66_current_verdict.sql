-- One row per imaging order line of a case and question: the verdict as if the current edition had been in force on its
-- day. The difference to core.rated is what a change of edition alone moves (DECISIONS 48).
select
    order_id,
    question,
    scenario,
    edition,
    case
        when question = 'reroute' or status = 'rated' or reason in ('not_rated_in_variant', 'contrast_unspecified')
            then variant
    end as variant,
    status,
    reason,
    rating,
    rating_score,
    radiation_level,
    source_locator
from core.verdict
where is_current
