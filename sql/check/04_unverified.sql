-- One row per rule file that holds rows which nobody has seen in a source.
-- RUL-04, warning: such rows work, and whoever signs the rules should know of them.
with

row_of_file as (

    select 'rating.csv' as file, verified from rule.rating
    union all
    select 'value_sets/imaging.csv' as file, verified from rule.imaging
    union all
    select 'value_sets/diagnosis.csv' as file, verified from rule.diagnosis
    union all
    select 'value_sets/therapy.csv' as file, verified from rule.therapy
    union all
    select 'value_sets/surgery.csv' as file, verified from rule.surgery
    union all
    select 'value_sets/biopsy.csv' as file, verified from rule.biopsy
    union all
    select 'value_sets/radiation.csv' as file, verified from rule.radiation

)

select
    file,
    'verified = no' as row_key,
    cast(count(*) as varchar) || ' rows were not seen in a source' as message,
    'find a source for them, name it in source and set verified to yes' as fix
from row_of_file
where verified = 'no'
group by file
