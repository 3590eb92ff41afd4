-- One row per secondary measure, part and unit that it counts (a case, an episode or an order), with its day and whether
-- it is what the measure looks for. What the delivery cannot tell is not counted.
with

unit as (

    select * from core.secondary_course
    union all by name
    select * from core.secondary_companion
    union all by name
    select * from core.secondary_indeterminate
    union all by name
    select * from core.secondary_marker
    union all by name
    select * from core.secondary_escalation
    union all by name
    select * from core.secondary_order
    union all by name
    select * from core.secondary_site

)

select
    unit.measure,
    unit.part,
    unit.unit_id,
    unit.counted_on,
    unit.is_met,
    unit.days,
    unit.msv_low,
    unit.msv_high
from unit
inner join core.secondary_part as secondary_part
    on
        secondary_part.measure = unit.measure
        and secondary_part.part = unit.part
        and secondary_part.is_computable
