-- One row per drug given, dispensed or planned that is dated after the last day read for its patient.
select therapy.therapy_id
from {batch} as therapy
left join stg.patient_span as patient_span
    on patient_span.patient_id = therapy.patient_id
where
    patient_span.as_of is null
    or therapy.started_on > patient_span.as_of
