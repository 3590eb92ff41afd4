-- One row per reading, measure, basis and unit counted (an index order, or an episode), with its outcome (SPEC 7, 8).
-- exceptions_set_aside leaves out orders that carry an exception; an episode left without orders goes with them.
with

counted as (

    select
        index_order.reading,
        index_order.measure,
        index_order.case_id,
        index_order.order_id,
        index_order.index_on,
        index_order.status,
        index_order.is_appropriate,
        index_order.exception
    from core.index_order as index_order
    union all
    select
        'exceptions_set_aside' as reading,
        index_order.measure,
        index_order.case_id,
        index_order.order_id,
        index_order.index_on,
        index_order.status,
        index_order.is_appropriate,
        index_order.exception
    from core.index_order as index_order
    where index_order.reading = 'as_defined' and index_order.exception is null

),

order_unit as (

    select
        reading,
        measure,
        'order' as basis,
        case_id,
        order_id,
        index_on,
        case
            when is_appropriate then 'appropriate'
            when not is_appropriate then 'not_appropriate'
            when status = 'rated' then 'may_be'
            else status
        end as outcome,
        case when exception is not null then 1 else 0 end as n_exception
    from counted

),

episode_unit as (

    select
        reading,
        measure,
        'episode' as basis,
        case_id,
        null as order_id,
        min(index_on) as index_on,
        case
            when bool_or(is_appropriate) and bool_or(not is_appropriate) then 'mixed'
            when bool_or(is_appropriate) then 'appropriate'
            when bool_or(not is_appropriate) then 'not_appropriate'
            when bool_or(status = 'rated') then 'may_be'
            when bool_or(status = 'unrated') then 'unrated'
            else 'indeterminate'
        end as outcome,
        max(case when exception is not null then 1 else 0 end) as n_exception
    from counted
    group by reading, measure, case_id

)

select * from order_unit
union all
select * from episode_unit
