-- One row for each reason for which labels and funnel do not count the same orders of a case.
with

labelled as (

    select
        case
            when is_first then 'index_' || measure
            when measure is not null then 'later_order'
            else reason
        end as reason,
        count(*) as n_orders
    from out.order_label
    group by all

)

select labelled.reason
from labelled
left join {batch} as attrition
    on attrition.reason = labelled.reason
where attrition.n_orders is distinct from labelled.n_orders
