-- One row per row of patients as delivered, every value as text; of a series those that no later delivery supersedes.
select patients.*
from delivered.patients as patients
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'patients'
        and superseded_row.part = patients.part
        and superseded_row.line = patients.line
where superseded_row.part is null
