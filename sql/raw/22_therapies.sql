-- One row per row of therapies as delivered, every value as text; of a series those that no later delivery supersedes.
select therapies.*
from delivered.therapies as therapies
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'therapies'
        and superseded_row.part = therapies.part
        and superseded_row.line = therapies.line
where superseded_row.part is null
