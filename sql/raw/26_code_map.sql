-- One row per row of code_map as delivered, every value as text; of a series those that no later delivery supersedes.
select code_map.*
from delivered.code_map as code_map
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'code_map'
        and superseded_row.part = code_map.part
        and superseded_row.line = code_map.line
where superseded_row.part is null
