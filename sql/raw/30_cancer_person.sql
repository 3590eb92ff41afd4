-- One row per person with a diagnosis whose code means an invasive breast cancer under some system, however it is written.
-- Whoever is not here can have no case. Whether the row can be read, and by when, is asked later and of these persons only.
select distinct trim(diagnoses.patient_id) as patient_id
from raw.diagnoses as diagnoses
inner join rule.diagnosis as value_set
    on
        value_set.code = replace(upper(trim(diagnoses.code)), '.', '')
        and value_set.concept = 'invasive_breast_cancer'
where trim(diagnoses.patient_id) <> ''
