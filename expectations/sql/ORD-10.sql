-- One row per order that is dated after the last day read for its patient.
select orders.order_id
from {batch} as orders
left join stg.patient_span as patient_span
    on patient_span.patient_id = orders.patient_id
where
    patient_span.as_of is null
    or orders.ordered_on > patient_span.as_of
    or orders.performed_on > patient_span.as_of
