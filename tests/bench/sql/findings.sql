-- One row per place of a finding, empty: only the demo's persons have structured reports.
select
    n,
    null as finding_id,
    null as patient_id,
    null as reported_on,
    null as finding,
    null as order_id,
    null as laterality,
    null as site_label,
    null as size_mm
from other
