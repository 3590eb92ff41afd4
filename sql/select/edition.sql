-- One row per edition that is asked for: the one named, the one in force on that day, else the current one.
-- edition is null for the time before the first.
with

in_force as (

    select
        edition,
        effective_from,
        lead(effective_from) over (order by effective_from) as next_from,
        effective_from = max(effective_from) over () as is_current,
        title,
        citation,
        source_locator,
        null as reason
    from rule.edition
    union all
    select
        null as edition,
        null as effective_from,
        min(effective_from) as next_from,
        false as is_current,
        null as title,
        null as citation,
        null as source_locator,
        'no_edition_in_force' as reason
    from rule.edition

)

select *
from in_force
where
    case
        when cast($edition as varchar) is not null then edition = cast($edition as varchar)
        when cast($on_day as date) is not null
            then
                coalesce(effective_from <= cast($on_day as date), true)
                and coalesce(next_from > cast($on_day as date), true)
        else is_current
    end
