-- One row per diagnosis of invasive breast cancer whose side neither its code nor its column gives.
select diagnosis.diagnosis_id
from {batch} as diagnosis
inner join rule.diagnosis as value_set
    on
        value_set.code_system = diagnosis.code_system
        and value_set.code = diagnosis.code
        and value_set.concept = 'invasive_breast_cancer'
where
    value_set.laterality is null
    and diagnosis.laterality is null
