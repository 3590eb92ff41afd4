-- One row per rerouting to a variant that its edition does not have, or that says neither a variant nor why not.
-- RUL-18, error: an order would be sent to a question that nobody asked.
select
    'reroute.csv' as file,
    reroute.scenario || ', ' || reroute.edition || ', ' || reroute.phase as row_key,
    case
        when reroute.variant is null then 'neither a variant nor a reason why there is none'
        when variant.variant is null then 'the edition has no variant ' || reroute.variant
        else 'a variant and a reason why there is none'
    end as message,
    'name a variant of rules/variant.csv, or leave it empty and give the reason' as fix
from rule.reroute as reroute
left join rule.variant as variant
    on
        variant.edition = reroute.edition
        and variant.variant = reroute.variant
where
    (reroute.variant is null) = (reroute.reason is null)
    or (reroute.variant is not null and variant.variant is null)
