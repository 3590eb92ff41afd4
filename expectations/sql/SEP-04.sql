-- One row per case and question whose verdict is not what the counts of its first orders give.
select case_id
from {batch}
where
    verdict is distinct from
    case
        when n_appropriate > 0 and n_not_appropriate > 0 then 'mixed'
        when n_appropriate > 0 then 'compliant'
        when n_not_appropriate > 0 then 'non_compliant'
        when n_may_be > 0 then 'may_be'
        when n_unrated > 0 then 'unrated'
        when n_indeterminate > 0 then 'indeterminate'
    end
