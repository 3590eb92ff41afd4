-- One row per cancer of the patient who has that order, with whether the order belongs to it, and the word of the row that
-- states the intent.
with

stated as (

    select
        case_id,
        row_id,
        min(intent) as intent
    from core.course_event
    where intent is not null
    group by case_id, row_id

)

select
    neoadjuvant_case.*,
    stated.intent as stated_intent,
    case_line.order_id is not null as is_of_order
from stg.order_line as order_line
inner join out.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.patient_id = order_line.patient_id
left join stated
    on
        stated.case_id = neoadjuvant_case.case_id
        and stated.row_id = neoadjuvant_case.intent_id
left join core.case_line as case_line
    on
        case_line.order_id = order_line.order_id
        and case_line.case_id = neoadjuvant_case.case_id
where order_line.order_id = $order_id
order by neoadjuvant_case.cancer_number
