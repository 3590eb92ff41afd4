-- One row per row of the delivery whose laterality column contradicts its code; the code decides (SPEC 1).
with

coded as (

    select
        'orders' as extract,
        order_line.order_id as row_id,
        order_line.laterality,
        imaging_code.laterality as code_laterality
    from stg.order_line as order_line
    inner join core.imaging_code as imaging_code
        on
            imaging_code.code_system = order_line.code_system
            and imaging_code.code = order_line.code
    union all
    select 'diagnoses', diagnosis.diagnosis_id, diagnosis.laterality, value_set.laterality
    from stg.diagnosis as diagnosis
    inner join rule.diagnosis as value_set
        on
            value_set.code_system = diagnosis.code_system
            and value_set.code = diagnosis.code
    union all
    select 'procedures', procedure.procedure_id, procedure.laterality, value_set.laterality
    from stg.procedure as procedure
    inner join rule.surgery as value_set
        on
            value_set.code_system = procedure.code_system
            and value_set.code = procedure.code
    union all
    select 'procedures', procedure.procedure_id, procedure.laterality, value_set.laterality
    from stg.procedure as procedure
    inner join rule.biopsy as value_set
        on
            value_set.code_system = procedure.code_system
            and value_set.code = procedure.code

)

select distinct
    extract,
    row_id
from coded
where laterality is not null and code_laterality is not null and laterality <> code_laterality
