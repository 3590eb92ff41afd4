-- One row per reason for which rows of orders leave the audit, or stay in it, with how many they are (SPEC 8).
-- Every row of the extract is counted once, in the order in which the audit lets go of rows.
with

label_fate as (

    select
        routed.order_id,
        case
            when routed.status is not null then routed.reason
            when index_order.order_id is not null then 'index_' || index_order.measure
            else 'later_order'
        end as reason
    from core.routed as routed
    left join core.index_order as index_order
        on
            index_order.order_id = routed.order_id
            and index_order.reading = 'as_defined'
    where routed.reading = 'as_defined'

),

line_fate as (

    select
        imaging_line.order_id,
        imaging_line.patient_id,
        case_line.case_id,
        case
            when cancer_patient.patient_id is null then 'no_invasive_cancer'
            when case_line.case_id is null then 'before_cancer'
            when not neoadjuvant_case.is_case then neoadjuvant_case.not_case_reason
            else label_fate.reason
        end as reason
    from core.imaging_line as imaging_line
    left join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = imaging_line.patient_id
    left join core.case_line as case_line
        on case_line.order_id = imaging_line.order_id
    left join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = case_line.case_id
    left join label_fate
        on label_fate.order_id = imaging_line.order_id

)

select
    'unreadable_row' as reason,
    count(*) as n_orders,
    0 as n_cases,
    0 as n_patients
from raw.rejected_row
where extract = 'orders'
union all
select 'quarantined', count(*), 0, count(distinct patient_id)
from stg.order_read
where problems is not null and not is_exact_copy
union all
select 'exact_duplicate', count(*), 0, count(distinct patient_id)
from stg.order_read
where is_exact_copy
union all
select 'after_as_of', count(*), 0, count(distinct order_read.patient_id)
from stg.order_read as order_read
inner join stg.patient_span as patient_span
    on patient_span.patient_id = order_read.patient_id
where
    order_read.problems is null and not order_read.is_exact_copy
    and order_read.ordered_on > patient_span.as_of
union all
select 'not_imaging', count(*), 0, count(distinct order_line.patient_id)
from stg.order_line as order_line
left join core.imaging_line as imaging_line
    on imaging_line.order_id = order_line.order_id
where imaging_line.order_id is null
union all
select reason, count(*), count(distinct case_id), count(distinct patient_id)
from line_fate
group by reason
