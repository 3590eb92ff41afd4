-- One row per recorded diagnosis that is dated after the last day read for its patient.
select diagnosis.diagnosis_id
from {batch} as diagnosis
left join stg.patient_span as patient_span
    on patient_span.patient_id = diagnosis.patient_id
where
    patient_span.as_of is null
    or diagnosis.diagnosed_on > patient_span.as_of
