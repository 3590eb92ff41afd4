-- One row per variant of that edition and number.
select
    variant,
    scenario_group,
    body_region,
    timing,
    imaging_step,
    nodes,
    question,
    source_locator
from rule.variant
where edition = $edition and variant = $variant
