-- One row per person of whom a row is new, gone or corrected.
select earlier_patient_id as patient_id
from diff.row_change
where earlier_patient_id is not null
union
select later_patient_id
from diff.row_change
where later_patient_id is not null
