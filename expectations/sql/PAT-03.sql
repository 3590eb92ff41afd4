-- One row per person whose year of birth cannot be one.
select patient.patient_id
from {batch} as patient
left join stg.patient_span as patient_span
    on patient_span.patient_id = patient.patient_id
where
    patient.birth_year < 1900
    or patient.birth_year > year(patient_span.as_of)
