-- One row per person, reason and kind of those order lines that are counted and not kept: how many, and the last of them.
-- They leave the audit by the same steps as the lines that are kept (core.line_fate), at the latest for want of a cancer.
with

judged as (

    select
        other_order.patient_id,
        other_order.ordered_on,
        other_order.performed_on,
        patient_span.as_of,
        code_reach.kind
    from raw.other_order as other_order
    inner join stg.patient_span as patient_span
        on patient_span.patient_id = other_order.patient_id
    left join core.code_reach as code_reach
        on
            code_reach.code_system = other_order.code_system
            and code_reach.code = other_order.code
            and code_reach.ordered_on = other_order.ordered_on
            and coalesce(code_reach.order_type, '') = coalesce(other_order.order_type, '')

)

select
    patient_id,
    case
        when ordered_on > as_of then 'after_as_of'
        when kind is null then 'not_imaging'
        else 'no_invasive_cancer'
    end as reason,
    kind,
    count(*) as n_orders,
    count(*) filter (where performed_on <= as_of) as n_performed,
    max(ordered_on) as last_on
from judged
group by all
