-- One row per performed procedure that is read: readable, not a copy, performed by as_of.
select
    procedure_read.part,
    procedure_read.line,
    procedure_read.procedure_id,
    procedure_read.patient_id,
    procedure_read.code_system,
    procedure_read.code,
    procedure_read.performed_on,
    procedure_read.laterality,
    procedure_read.site_label,
    procedure_read.status
from stg.procedure_read as procedure_read
inner join stg.patient_span as patient_span
    on patient_span.patient_id = procedure_read.patient_id
where
    procedure_read.problems is null
    and not procedure_read.is_exact_copy
    and procedure_read.performed_on <= patient_span.as_of
