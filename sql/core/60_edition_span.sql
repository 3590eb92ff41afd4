-- One row per edition, and one for the time before the first, with the days on which it is in force.
-- The time before the first edition counts as an edition (null) unless the settings rule it out.
with

in_force as (

    select
        edition,
        effective_from,
        lead(effective_from) over (order by effective_from) as next_from
    from rule.edition

)

select
    edition,
    effective_from,
    next_from
from in_force
union all
select
    null as edition,
    null as effective_from,
    min(effective_from) as next_from
from rule.edition
