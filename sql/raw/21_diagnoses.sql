-- One row per row of diagnoses as delivered, every value as text; of a series those that no later delivery supersedes.
select diagnoses.*
from delivered.diagnoses as diagnoses
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'diagnoses'
        and superseded_row.part = diagnoses.part
        and superseded_row.line = diagnoses.line
where superseded_row.part is null
