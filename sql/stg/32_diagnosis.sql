-- One row per diagnosis that is read: readable, not a copy, diagnosed by as_of.
select
    diagnosis_read.part,
    diagnosis_read.line,
    diagnosis_read.diagnosis_id,
    diagnosis_read.patient_id,
    diagnosis_read.code_system,
    diagnosis_read.code,
    diagnosis_read.diagnosed_on,
    diagnosis_read.laterality,
    diagnosis_read.nodal_status
from stg.diagnosis_read as diagnosis_read
inner join stg.patient_span as patient_span
    on patient_span.patient_id = diagnosis_read.patient_id
where
    diagnosis_read.problems is null
    and not diagnosis_read.is_exact_copy
    and diagnosis_read.diagnosed_on <= patient_span.as_of
