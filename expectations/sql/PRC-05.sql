-- One row per performed procedure that is dated after the last day read for its patient.
select procedure.procedure_id
from {batch} as procedure
left join stg.patient_span as patient_span
    on patient_span.patient_id = procedure.patient_id
where
    patient_span.as_of is null
    or procedure.performed_on > patient_span.as_of
