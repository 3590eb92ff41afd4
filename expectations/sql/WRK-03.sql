-- One row per index order that should be on the worklist with a finding and is not, or is there without a cause.
with

expected as (

    select
        order_label.order_id,
        case
            when order_label.is_appropriate = false then 'not_appropriate'
            when episode.verdict = 'mixed' then 'mixed'
            when order_label.status in ('unrated', 'indeterminate') then order_label.status
        end as finding
    from out.order_label as order_label
    inner join out.episode as episode
        on
            episode.case_id = order_label.case_id
            and episode.measure = order_label.measure
    where order_label.is_first

)

select expected.order_id
from expected
left join {batch} as worklist
    on worklist.order_id = expected.order_id
where worklist.finding is distinct from expected.finding
