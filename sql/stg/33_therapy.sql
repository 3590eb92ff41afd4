-- One row per therapy row that is read: readable, not a copy, started by as_of; a later end counts as as_of.
select
    therapy_read.part,
    therapy_read.line,
    therapy_read.therapy_id,
    therapy_read.patient_id,
    therapy_read.code_system,
    therapy_read.code,
    therapy_read.started_on,
    -- least() passes over nulls, and an absent end must stay absent.
    case
        when therapy_read.ended_on is not null
            then least(therapy_read.ended_on, patient_span.as_of)
    end as ended_on,
    therapy_read.days_supply,
    therapy_read.intent,
    therapy_read.status,
    patient_span.as_of
from stg.therapy_read as therapy_read
inner join stg.patient_span as patient_span
    on patient_span.patient_id = therapy_read.patient_id
where
    therapy_read.problems is null
    and not therapy_read.is_exact_copy
    and therapy_read.started_on <= patient_span.as_of
