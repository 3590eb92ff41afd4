-- One row per rated order whose verdict is not what its rating says; may be appropriate is neither.
select order_id
from {batch}
where
    status = 'rated'
    and is_appropriate is distinct from
    case rating
        when 'usually_appropriate' then true
        when 'usually_not_appropriate' then false
    end
