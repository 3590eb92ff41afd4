-- One row per finding that is read: readable, not a copy, reported by as_of.
select
    finding_read.part,
    finding_read.line,
    finding_read.finding_id,
    finding_read.patient_id,
    finding_read.reported_on,
    finding_read.finding,
    finding_read.order_id,
    finding_read.laterality,
    finding_read.site_label,
    finding_read.size_mm
from stg.finding_read as finding_read
inner join stg.patient_span as patient_span
    on patient_span.patient_id = finding_read.patient_id
where
    finding_read.problems is null
    and not finding_read.is_exact_copy
    and finding_read.reported_on <= patient_span.as_of
