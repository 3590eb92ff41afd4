-- One row per scenario, basis and unit counted (a first order, or all first orders of a case), with its outcome.
with

first_order as (

    select *
    from core.scenario_order
    where is_first

)

select
    scenario,
    'order' as basis,
    case_id,
    index_on,
    case
        when is_appropriate then 'appropriate'
        when not is_appropriate then 'not_appropriate'
        when status = 'rated' then 'may_be'
        else status
    end as outcome
from first_order
union all
select
    scenario,
    'episode' as basis,
    case_id,
    min(index_on) as index_on,
    case
        when bool_or(is_appropriate) and bool_or(not is_appropriate) then 'mixed'
        when bool_or(is_appropriate) then 'appropriate'
        when bool_or(not is_appropriate) then 'not_appropriate'
        when bool_or(status = 'rated') then 'may_be'
        when bool_or(status = 'unrated') then 'unrated'
        else 'indeterminate'
    end as outcome
from first_order
group by scenario, case_id
