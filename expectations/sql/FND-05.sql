-- One row per statement from a report or a clinic note that is dated after the last day read for its patient.
select finding.finding_id
from {batch} as finding
left join stg.patient_span as patient_span
    on patient_span.patient_id = finding.patient_id
where
    patient_span.as_of is null
    or finding.reported_on > patient_span.as_of
