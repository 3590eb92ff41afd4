-- One row per imaging order whose code neither the value set nor the site's own map knows.
select orders.order_id
from {batch} as orders
left join rule.imaging as imaging
    on
        imaging.code_system = orders.code_system
        and imaging.code = orders.code
left join stg.code_map as code_map
    on
        orders.code_system = 'LOCAL'
        and code_map.code = orders.code
where
    orders.order_type = 'imaging'
    and imaging.code is null
    and code_map.code is null
