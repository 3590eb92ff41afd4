-- One row per recorded diagnosis of distant metastasis in a patient with an invasive breast cancer.
select
    diagnosis.diagnosis_id,
    diagnosis.patient_id,
    diagnosis.diagnosed_on
from stg.diagnosis as diagnosis
inner join rule.diagnosis as value_set
    on
        value_set.code_system = diagnosis.code_system
        and value_set.code = diagnosis.code
        and value_set.concept = 'distant_metastasis'
inner join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = diagnosis.patient_id
