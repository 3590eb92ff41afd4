-- One row per rule file whose review is overdue.
-- RUL-03, warning: codes and criteria move on, and an old rule labels new orders wrongly.
select
    file,
    'value_set.csv, row ' || file as row_key,
    'its review was due on ' || cast(next_review_on as varchar) as message,
    'review the file against its source, then set checked_by and next_review_on' as fix
from rule.value_set
where next_review_on < current_date
