-- One row per order whose laterality names the other side than its code does.
select orders.order_id
from {batch} as orders
inner join rule.imaging as imaging
    on
        imaging.code_system = orders.code_system
        and imaging.code = orders.code
where
    imaging.laterality in ('left', 'right')
    and orders.laterality in ('left', 'right')
    and imaging.laterality <> orders.laterality
