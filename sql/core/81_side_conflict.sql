-- One row per row of the delivery whose laterality column contradicts its code; the code decides (SPEC 1).
with

-- Every value set whose code's side is read before the column's, by the extract in which it is looked for.
sided_code as (

    select 'orders' as extract, code_system, code, laterality from core.imaging_code
    union
    select 'orders', code_system, code, laterality from rule.surgery
    union
    select 'orders', code_system, code, laterality from rule.biopsy
    union
    select 'orders', code_system, code, laterality from rule.radiation
    union
    select 'diagnoses', code_system, code, laterality from rule.diagnosis
    union
    select 'procedures', code_system, code, laterality from rule.surgery
    union
    select 'procedures', code_system, code, laterality from rule.biopsy
    union
    select 'procedures', code_system, code, laterality from rule.radiation

),

sided_row as (

    select 'orders' as extract, order_id as row_id, code_system, code, laterality
    from stg.order_line
    where laterality is not null
    union all
    select 'diagnoses', diagnosis_id, code_system, code, laterality
    from stg.diagnosis
    where laterality is not null
    union all
    select 'procedures', procedure_id, code_system, code, laterality
    from stg.procedure
    where laterality is not null

)

select distinct
    sided_row.extract,
    sided_row.row_id
from sided_row
inner join sided_code
    on
        sided_code.extract = sided_row.extract
        and sided_code.code_system = sided_row.code_system
        and sided_code.code = sided_row.code
        and sided_code.laterality <> sided_row.laterality
