-- One row per readable row of orders: where it left the audit, or how far it came (SPEC 8).
-- The words are those of the funnel in rules/attrition_step.csv.
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

)

select
    order_read.order_id,
    order_read.part,
    order_read.line,
    order_read.patient_id,
    case_line.case_id,
    case
        when order_read.is_exact_copy then 'exact_duplicate'
        when order_read.problems is not null then 'quarantined'
        when order_line.order_id is null then 'after_as_of'
        when imaging_line.order_id is null then 'not_imaging'
        when cancer_patient.patient_id is null then 'no_invasive_cancer'
        when case_line.case_id is null then 'before_cancer'
        when not neoadjuvant_case.is_case then neoadjuvant_case.not_case_reason
        else label_fate.reason
    end as reason
from stg.order_read as order_read
left join stg.order_line as order_line
    on order_line.order_id = order_read.order_id
left join core.imaging_line as imaging_line
    on imaging_line.order_id = order_read.order_id
left join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = order_read.patient_id
left join core.case_line as case_line
    on case_line.order_id = order_read.order_id
left join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = case_line.case_id
left join label_fate
    on label_fate.order_id = order_read.order_id
