-- One row per step of the funnel of order lines: the first row is the input, and removed and kept rows add up to it.
-- Patients and cases may stand in several steps; order lines stand in exactly one.
with

step as (

    select
        step,
        kind,
        reason,
        label
    from rule.attrition_step
    where funnel = 'orders'

),

superseded as (

    select
        part,
        line,
        patient_id
    from raw.superseded_row
    where extract = 'orders'

),

person as (

    select patient_id from raw.orders
    union
    select patient_id from raw.other_order
    union
    select patient_id from superseded

),

fate as (

    select
        reason,
        1 as n_orders,
        case_id,
        patient_id
    from core.line_fate
    union all
    select
        reason,
        n_orders,
        null as case_id,
        patient_id
    from core.other_order_fate

),

input as (

    select
        'input' as reason,
        (select count(*) from raw.orders) + (select count(*) from raw.other_order) + (
            select count(*) from raw.rejected_row where extract = 'orders'
        ) + (select count(*) from superseded) as n_orders,
        (select count(distinct case_id) from core.case_line) as n_cases,
        (select count(distinct patient_id) from person) as n_patients

),

counted as (

    select reason, n_orders, n_cases, n_patients from input
    union all
    select 'superseded', count(*), 0, count(distinct patient_id)
    from superseded
    union all
    select 'unreadable_row', count(*), 0, 0
    from raw.rejected_row
    where extract = 'orders'
    union all
    select reason, cast(sum(n_orders) as bigint), count(distinct case_id), count(distinct patient_id)
    from fate
    group by reason

)

select
    step.step,
    step.kind,
    step.reason,
    step.label,
    coalesce(counted.n_orders, 0) as n_orders,
    coalesce(counted.n_cases, 0) as n_cases,
    coalesce(counted.n_patients, 0) as n_patients
from step
left join counted
    on counted.reason = step.reason
