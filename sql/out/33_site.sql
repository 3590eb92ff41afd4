-- One row per site of an episode or a labelled order: the dimension that site_id of the facts leads to.
-- Episodes without a site say 'unknown'; orders without one have none and lead nowhere.
with

named as (

    select
        site_id,
        case_id,
        order_id
    from out.order_label
    union all
    select
        site_id,
        case_id,
        null as order_id
    from out.episode

)

select
    site_id,
    site_id <> 'unknown' as is_known,
    count(order_id) as n_orders,
    count(distinct case_id) as n_cases
from named
where site_id is not null
group by site_id
