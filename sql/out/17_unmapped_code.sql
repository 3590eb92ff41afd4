-- One row per code of an imaging order line of a case that reached no procedure, with how often it was ordered.
-- An unmapped code may hide a breast exam; a code that cannot is listed too, so that somebody looks at it once.
with

reviewed as (

    select max(retrieved_on) as reviewed_on
    from rule.value_set
    where file = 'value_sets/imaging.csv'

)

select
    exam_line.code_system,
    exam_line.code,
    case exam_line.kind when 'unmapped' then 'unmapped_code' else exam_line.kind end as reason,
    count(*) as n_orders,
    count(distinct exam_line.case_id) as n_cases,
    count(index_order.order_id) as n_index,
    min(exam_line.ordered_on) > max(reviewed.reviewed_on) as is_newer_than_review
from core.phase as phase
inner join core.exam_line as exam_line
    on exam_line.order_id = phase.order_id
left join core.index_order as index_order
    on
        index_order.order_id = phase.order_id
        and index_order.reading = 'as_defined'
cross join reviewed
where exam_line.kind in ('unmapped', 'not_breast_code')
group by exam_line.code_system, exam_line.code, exam_line.kind
