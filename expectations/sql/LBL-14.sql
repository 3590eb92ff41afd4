-- One row per case and measure whose index orders that could be read fall on more than one day.
-- A code that could not be read is an index order too if it came before that day.
select
    case_id,
    measure
from {batch}
where is_first and coalesce(reason, '') <> 'unmapped_code'
group by case_id, measure
having count(distinct clock_on) > 1
