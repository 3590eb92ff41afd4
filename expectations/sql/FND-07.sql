-- One row per finding that names an order which was not delivered: neither one that is kept nor one that is only counted.
select finding.finding_id
from {batch} as finding
left join stg.order_line as order_line
    on order_line.order_id = finding.order_id
left join raw.other_order as other_order
    on other_order.key_number = cast(hash(finding.order_id) >> 1 as bigint)
where finding.order_id is not null and order_line.order_id is null and other_order.key_number is null
