-- One row per condition of Synthea, whatever it is: the value sets pick what they know.
-- A condition has no key of its own; what makes it one is made of all that is kept, so copies stay copies.
select
    md5(concat_ws('|', 'diagnosis', patient, encounter, start, code)) as diagnosis_id,
    patient as patient_id,
    coalesce(system, 'SNOMED') as code_system,
    code,
    start as diagnosed_on,
    part,
    line
from delivered.conditions
