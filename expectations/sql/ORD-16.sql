-- One row per imaging order whose code may hide a breast exam: unlisted, or known neither to us nor to the site's map.
-- A CPT or HCPCS code outside the value set names something else, and hides nothing.
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
    and (
        imaging.support = 'unlisted'
        or (
            imaging.code is null
            and code_map.code is null
            and orders.code_system not in ('CPT', 'HCPCS')
        )
    )
