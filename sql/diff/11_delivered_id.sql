-- One row per id of an extract and run, with what its rows say as one number: copies count once.
-- A row without an id goes by its content, so that another content is another row.
select
    run,
    extract,
    coalesce(nullif(id, ''), cast(content as varchar)) as row_id,
    min(patient_id) as patient_id,
    sum(distinct content) as content
from diff.delivered_row
group by all
