-- One row per order line labelled in both runs and part of its label that differs; null: that run says nothing there.
with

aspect as (

    select run, order_id, patient_id, 'phase' as aspect, phase as said from diff.label
    union all
    select run, order_id, patient_id, 'status', status from diff.label
    union all
    select run, order_id, patient_id, 'reason', reason from diff.label
    union all
    select run, order_id, patient_id, 'rating', rating from diff.label
    union all
    select run, order_id, patient_id, 'reroute_rating', reroute_rating from diff.label
    union all
    select run, order_id, patient_id, 'measure', measure from diff.label
    union all
    select run, order_id, patient_id, 'is_first', cast(is_first as varchar) from diff.label

)

select
    later_aspect.order_id,
    later_aspect.aspect,
    earlier_aspect.said as earlier,
    later_aspect.said as later,
    touched_patient.patient_id is not null as is_touched
from aspect as later_aspect
inner join aspect as earlier_aspect
    on
        earlier_aspect.order_id = later_aspect.order_id
        and earlier_aspect.aspect = later_aspect.aspect
        and earlier_aspect.run = 'earlier'
left join diff.touched_patient as touched_patient
    on touched_patient.patient_id = later_aspect.patient_id
where
    later_aspect.run = 'later'
    and earlier_aspect.said is distinct from later_aspect.said
