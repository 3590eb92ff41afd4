-- One row per circumstances in which the edition has exactly one variant for the scenario.
select
    phase.phase,
    'any' as nodes,
    'any' as has_earlier_axillary_exam,
    variant.variant
from rule.variant as variant
inner join rule.phase as phase
    on phase.measure is not null
where
    variant.edition = $edition
    and variant.scenario_group = $scenario
    and variant.scenario_group = 'breast_response'
group by phase.phase, variant.variant
union all
select
    phase,
    nodes,
    has_earlier_axillary_exam,
    variant
from rule.reroute
where
    edition = $edition
    and scenario = $scenario
    and variant is not null
    and also_variant is null
order by phase, nodes, has_earlier_axillary_exam, variant
