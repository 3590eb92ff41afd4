-- One row per row of procedures as delivered, every value as text; of a series those that no later delivery supersedes.
select procedures.*
from delivered.procedures as procedures
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'procedures'
        and superseded_row.part = procedures.part
        and superseded_row.line = procedures.line
where superseded_row.part is null
