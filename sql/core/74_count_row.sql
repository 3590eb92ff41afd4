-- One row per thing that compliance counts: an index order, an episode, or an order beside the measure (SPEC 8).
-- Orders beside the measure count on their own day, on both bases: those of phase on_treatment or early_treatment
-- under on_treatment, all others under post_completion.
with

beside as (

    select
        routed.order_id,
        case
            when routed.phase in ('on_treatment', 'early_treatment') then 'on_treatment'
            else 'post_completion'
        end as measure,
        exam_line.clock_on as counted_on,
        case routed.status when 'indeterminate' then 'end_unknown' else routed.status end as outcome
    from core.routed as routed
    inner join core.exam_line as exam_line
        on exam_line.order_id = routed.order_id
    where routed.reading = 'as_defined' and routed.status is not null

),

basis as (

    select 'order' as basis
    union all
    select 'episode' as basis

),

unit as (

    select
        index_unit.*,
        without.outcome as outcome_without_exception
    from core.index_unit as index_unit
    left join core.index_unit as without
        on
            without.reading = 'exceptions_set_aside'
            and without.basis = index_unit.basis
            and without.measure = index_unit.measure
            and without.case_id = index_unit.case_id
            and coalesce(without.order_id, '') = coalesce(index_unit.order_id, '')
    where index_unit.reading = 'as_defined'

)

select
    unit.basis,
    unit.measure,
    unit.index_on as counted_on,
    unit.outcome,
    unit.outcome_without_exception,
    unit.n_exception,
    coalesce(index_order.edition, 'none') as edition,
    order_stratum.* exclude (order_id)
from unit
inner join core.index_order as index_order
    on
        index_order.order_id = unit.order_id
        and index_order.reading = 'as_defined'
inner join core.order_stratum as order_stratum
    on order_stratum.order_id = unit.order_id
where unit.basis = 'order'
union all by name
select
    unit.basis,
    unit.measure,
    unit.index_on as counted_on,
    unit.outcome,
    unit.outcome_without_exception,
    unit.n_exception,
    episode_stratum.* exclude (measure)
from unit
inner join core.episode_stratum as episode_stratum
    on
        episode_stratum.case_id = unit.case_id
        and episode_stratum.measure = unit.measure
where unit.basis = 'episode'
union all by name
select
    basis.basis,
    beside.measure,
    beside.counted_on,
    beside.outcome,
    null as outcome_without_exception,
    0 as n_exception,
    coalesce(rated.edition, 'none') as edition,
    order_stratum.* exclude (order_id)
from beside
cross join basis
inner join core.order_stratum as order_stratum
    on order_stratum.order_id = beside.order_id
left join core.rated as rated
    on
        rated.order_id = beside.order_id
        and rated.question = 'reroute'
