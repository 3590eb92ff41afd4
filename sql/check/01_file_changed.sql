-- One row per bundled rule file that is not the one its manifest row describes.
-- RUL-01, error: a rule must not change without its author saying so.
select
    rule_file.file,
    'value_set.csv, row ' || rule_file.file as row_key,
    case
        when manifest.file is null then 'no row of the manifest describes the file'
        when manifest.sha256 <> rule_file.sha256 then 'the file is not the one that the manifest describes'
        else 'the manifest has another number of rows'
    end as message,
    case
        when manifest.file is null
            then 'add its row with source, author and checker, then: imaging-audit check-rules --write-manifest'
        else 'if the change is meant: imaging-audit check-rules --write-manifest; if not, restore the file'
    end as fix
from rule.rule_file as rule_file
left join rule.value_set as manifest
    on
        manifest.file = rule_file.file
        and manifest.origin = rule_file.origin
where
    rule_file.file <> 'value_set.csv'
    and (
        (rule_file.origin = 'bundled' and manifest.file is null)
        or manifest.sha256 <> rule_file.sha256
        or manifest.n_rows <> rule_file.n_rows
    )
union all
select
    manifest.file,
    'value_set.csv, row ' || manifest.file as row_key,
    'the manifest describes a file that was not read' as message,
    'remove the row, or put the file back' as fix
from rule.value_set as manifest
left join rule.rule_file as rule_file
    on
        rule_file.file = manifest.file
        and rule_file.origin = manifest.origin
where rule_file.file is null
