-- One row per edition that could have been in force when that order was placed, or is the current one, with the verdict under it.
select
    coalesce(verdict.edition, 'none yet') as edition,
    verdict.could_be_in_force,
    verdict.is_current,
    verdict.question,
    verdict.variant,
    verdict.status,
    verdict.reason,
    verdict.rating
from core.verdict as verdict
where verdict.order_id = $order_id and verdict.is_of_measure
order by verdict.question, verdict.edition nulls first
