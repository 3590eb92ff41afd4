-- One row per performed imaging procedure of Synthea, standing in for the order that Synthea never writes.
-- Ordered and performed on the same day: the report must say that orders were not seen.
select
    md5(concat_ws('|', 'order', patient, encounter, start, code)) as order_id,
    patient as patient_id,
    start as ordered_on,
    coalesce(system, 'SNOMED') as code_system,
    code,
    'imaging' as order_type,
    'completed' as status,
    start as performed_on,
    part,
    line
from delivered.procedures
where exists (
    select 1
    from rule.imaging
    inner join rule.code_system
        on code_system.code_system = imaging.code_system
    where
        code_system.written = lower(trim(coalesce(procedures.system, 'SNOMED')))
        and imaging.code = upper(trim(procedures.code))
)
