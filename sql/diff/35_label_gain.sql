-- One row per way in which an order line gained or lost its label: where it stood in the other run, and how many did so.
with

gained as (

    select
        case labelled.run when 'later' then 'gained' else 'lost' end as change,
        labelled.run,
        labelled.order_id,
        labelled.patient_id
    from diff.label as labelled
    left join diff.label as other
        on
            other.order_id = labelled.order_id
            and other.run <> labelled.run
    where other.order_id is null

)

select
    gained.change,
    coalesce(order_fate.reason, 'not_delivered') as other_fate,
    count(*) as n_orders,
    count(*) filter (where touched_patient.patient_id is not null) as n_touched
from gained
left join diff.order_fate as order_fate
    on
        order_fate.order_id = gained.order_id
        and order_fate.run <> gained.run
left join diff.touched_patient as touched_patient
    on touched_patient.patient_id = gained.patient_id
group by gained.change, coalesce(order_fate.reason, 'not_delivered')
