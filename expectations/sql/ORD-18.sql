-- One row per patient with a diagnosis of whom there is no order, neither one that is kept nor one that is only counted.
with

ordered as (

    select patient_id from {batch}
    union
    select patient_id from raw.other_order

)

select distinct diagnosis.patient_id
from stg.diagnosis as diagnosis
left join ordered
    on ordered.patient_id = diagnosis.patient_id
where ordered.patient_id is null
