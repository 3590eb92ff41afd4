-- One row per index order of the plain patients on which a script and the audit differ: in its being one, or in its label.
select
    coalesce(audited.order_id, found.order_id) as order_id,
    audited.is_appropriate as audited_as,
    found.is_appropriate as found_as
from (
    select order_label.order_id, order_label.is_appropriate
    from out.order_label as order_label
    inner join read_csv('$patients', header = true, all_varchar = true) as plain
        on plain.patient_id = order_label.patient_id
    where order_label.measure = 'post_completion' and order_label.is_first
) as audited
full join read_csv('$found', header = true, columns = {'order_id': 'VARCHAR', 'is_appropriate': 'BOOLEAN'}) as found
    on found.order_id = audited.order_id
where
    audited.order_id is null
    or found.order_id is null
    or audited.is_appropriate is distinct from found.is_appropriate
