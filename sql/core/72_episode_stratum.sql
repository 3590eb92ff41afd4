-- One row per episode with the strata by which it is counted (DECISIONS 19).
-- Site, payer and edition are those of the first index order; procedure is that of all of them, or several.
with

procedure as (

    select
        index_order.case_id,
        index_order.measure,
        case
            when count(distinct order_stratum.procedure) = 1 then min(order_stratum.procedure)
            else 'several'
        end as procedure
    from core.index_order as index_order
    inner join core.order_stratum as order_stratum
        on order_stratum.order_id = index_order.order_id
    where index_order.reading = 'as_defined'
    group by index_order.case_id, index_order.measure

)

select
    index_order.measure,
    coalesce(index_order.edition, 'none') as edition,
    procedure.procedure,
    order_stratum.* exclude (order_id, procedure)
from core.index_order as index_order
inner join procedure
    on
        procedure.case_id = index_order.case_id
        and procedure.measure = index_order.measure
inner join core.order_stratum as order_stratum
    on order_stratum.order_id = index_order.order_id
where index_order.reading = 'as_defined' and index_order.index_rank = 1
