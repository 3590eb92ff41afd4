-- One row per recorded diagnosis of invasive breast cancer of the patient who has that order.
select
    invasive_diagnosis.diagnosis_id,
    invasive_diagnosis.diagnosed_on,
    case
        when invasive_diagnosis.is_left and invasive_diagnosis.is_right then 'bilateral'
        when invasive_diagnosis.is_left then 'left'
        when invasive_diagnosis.is_right then 'right'
    end as laterality
from stg.order_line as order_line
inner join core.invasive_diagnosis as invasive_diagnosis
    on invasive_diagnosis.patient_id = order_line.patient_id
where order_line.order_id = $order_id
order by invasive_diagnosis.diagnosed_on, invasive_diagnosis.diagnosis_id
