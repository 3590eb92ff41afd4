-- One row per order whose answer to another question is said in words that do not agree.
select order_id
from {batch}
where
    (reroute_status is null and (reroute_rating is not null or reroute_reason is not null))
    or (coalesce(reroute_status, 'not asked') = 'rated') <> (reroute_rating is not null)
    or (coalesce(reroute_status, 'not asked') = 'indeterminate')
    <> (coalesce(reroute_reason, 'none') = 'nodal_status_unknown')
