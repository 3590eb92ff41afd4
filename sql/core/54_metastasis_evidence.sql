-- One row per imaging order line before which a distant metastasis was diagnosed (router row 10).
select
    exam_line.order_id,
    min(metastasis.diagnosis_id) as metastasis_id
from core.exam_line as exam_line
inner join core.metastasis as metastasis
    on
        metastasis.patient_id = exam_line.patient_id
        and metastasis.diagnosed_on <= exam_line.ordered_on
group by exam_line.order_id
