-- One row per order line that is read: readable, not a copy, ordered by as_of.
-- A performed_on after as_of counts as absent; a later scheduled_on stays and serves the clock only.
select
    order_read.part,
    order_read.line,
    order_read.order_id,
    order_read.patient_id,
    order_read.ordered_on,
    order_read.code_system,
    order_read.code,
    order_read.order_type,
    order_read.status,
    order_read.scheduled_on,
    case when order_read.performed_on <= patient_span.as_of then order_read.performed_on end as performed_on,
    coalesce(
        case when order_read.performed_on <= patient_span.as_of then order_read.performed_on end,
        case when order_read.scheduled_on <= patient_span.as_of then order_read.scheduled_on end,
        order_read.ordered_on
    ) as event_on,
    order_read.laterality,
    order_read.accession_id,
    order_read.modifiers,
    order_read.reason_codes,
    order_read.context,
    order_read.ordering_provider_id,
    order_read.site_id,
    order_read.payer
from stg.order_read as order_read
inner join stg.patient_span as patient_span
    on patient_span.patient_id = order_read.patient_id
where
    order_read.problems is null
    and not order_read.is_exact_copy
    and order_read.ordered_on <= patient_span.as_of
