-- One row per question and pair of answers: what the edition in force said, and what the current one says of the same orders.
-- Pairs that differ are what a change of edition alone moves (DECISIONS 48).
with

answered as (

    select
        order_id,
        case_id,
        'breast_response' as question,
        coalesce(rating, reason) as answer_then
    from core.response_order
    where reading = 'as_defined'
    union all
    select
        order_id,
        case_id,
        scenario as question,
        coalesce(rating, reason) as answer_then
    from core.scenario_order

),

current_answer as (

    select
        order_id,
        question = 'breast_response' as is_response,
        coalesce(rating, reason) as answer_now
    from core.current_verdict

)

select
    answered.question,
    answered.answer_then,
    current_answer.answer_now,
    answered.answer_then <> current_answer.answer_now as is_moved,
    count(*) as n_orders,
    count(distinct answered.case_id) as n_cases
from answered
inner join current_answer
    on
        current_answer.order_id = answered.order_id
        and current_answer.is_response = (answered.question = 'breast_response')
group by answered.question, answered.answer_then, current_answer.answer_now
