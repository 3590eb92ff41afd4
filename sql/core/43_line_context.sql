-- One row per imaging order line of a cancer patient and context word that it carries.
select distinct
    order_line.order_id,
    context_text.word
from stg.order_line as order_line
inner join core.imaging_line as imaging_line
    on imaging_line.order_id = order_line.order_id
inner join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = order_line.patient_id
inner join stg.context_text as context_text
    on context_text.context = order_line.context
where context_text.word is not null
