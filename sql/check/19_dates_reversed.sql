-- One row per code that ends before it begins.
-- RUL-19, error: such a row is never valid.
with

dated as (

    select 'value_sets/imaging.csv' as file, code_system, code, valid_from, valid_to from rule.imaging
    union all
    select 'value_sets/diagnosis.csv', code_system, code, valid_from, valid_to from rule.diagnosis
    union all
    select 'value_sets/therapy.csv', code_system, code, valid_from, valid_to from rule.therapy
    union all
    select 'value_sets/surgery.csv', code_system, code, valid_from, valid_to from rule.surgery
    union all
    select 'value_sets/biopsy.csv', code_system, code, valid_from, valid_to from rule.biopsy
    union all
    select 'value_sets/radiation.csv', code_system, code, valid_from, valid_to from rule.radiation

)

select
    file,
    code_system || ' ' || code as row_key,
    'valid_to ' || cast(valid_to as varchar) || ' comes before valid_from ' || cast(valid_from as varchar) as message,
    'correct one of the two days' as fix
from dated
where valid_to < valid_from
