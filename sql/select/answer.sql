-- One row per answer of an edition to a scenario: the variant that rates it, or why there is none.
-- Two rows where the answer hangs on an earlier axillary exam of which nothing is said.
with

answer as (

    select
        'any' as nodes,
        'any' as has_earlier_axillary_exam,
        variant,
        null as also_variant,
        null as reason
    from rule.variant
    where
        edition = $edition
        and (
            variant = cast($variant as varchar)
            or (
                scenario_group = cast($scenario as varchar)
                and scenario_group = 'breast_response'
            )
        )
    union all
    select
        nodes,
        has_earlier_axillary_exam,
        variant,
        also_variant,
        reason
    from rule.reroute
    where
        edition = $edition
        and scenario = cast($scenario as varchar)
        and phase in ('any', cast($phase as varchar))
        and nodes in ('any', cast($nodes as varchar))
        and (
            cast($earlier as varchar) is null
            or has_earlier_axillary_exam in ('any', cast($earlier as varchar))
        )

)

select
    nodes,
    has_earlier_axillary_exam,
    variant,
    also_variant,
    case
        when variant is not null then 'rated'
        when reason = 'nodal_status_unknown' then 'indeterminate'
        else 'unrated'
    end as status,
    reason
from answer
order by has_earlier_axillary_exam, variant
