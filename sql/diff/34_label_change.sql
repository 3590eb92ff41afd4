-- One row per kind of change of a label, all its parts together: how many orders changed so. The rows add up.
with

relabelled as (

    select
        order_id,
        is_touched,
        string_agg(
            aspect || ' ' || coalesce(earlier, 'none') || ' → ' || coalesce(later, 'none'), '; ' order by aspect
        ) as change
    from diff.aspect_change
    group by order_id, is_touched

)

select
    change,
    count(*) as n_orders,
    count(*) filter (where is_touched) as n_touched
from relabelled
group by change
