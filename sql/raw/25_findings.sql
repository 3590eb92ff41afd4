-- One row per row of findings as delivered, every value as text; of a series those that no later delivery supersedes.
select findings.*
from delivered.findings as findings
left join raw.superseded_row as superseded_row
    on
        superseded_row.extract = 'findings'
        and superseded_row.part = findings.part
        and superseded_row.line = findings.line
where superseded_row.part is null
