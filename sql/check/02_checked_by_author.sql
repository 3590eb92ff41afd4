-- One row per rule file whose author checked it alone.
-- RUL-02, error: two people stand for every rule.
select
    file,
    'value_set.csv, row ' || file as row_key,
    'author and checker are the same: ' || authored_by as message,
    'name in checked_by who else checked it, or say that nobody has' as fix
from rule.value_set
where lower(trim(authored_by)) = lower(trim(checked_by))
