-- One row per performed procedure of Synthea that is no imaging: those stand in for orders (orders.sql).
select
    md5(concat_ws('|', 'procedure', patient, encounter, start, code)) as procedure_id,
    patient as patient_id,
    coalesce(system, 'SNOMED') as code_system,
    code,
    start as performed_on,
    'completed' as status,
    part,
    line
from delivered.procedures
where not exists (
    select 1
    from rule.imaging
    inner join rule.code_system
        on code_system.code_system = imaging.code_system
    where
        code_system.written = lower(trim(coalesce(procedures.system, 'SNOMED')))
        and imaging.code = upper(trim(procedures.code))
)
