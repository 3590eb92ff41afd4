-- One row per modifier text as written and the side that its modifiers name (no row where they name none).
-- LT with RT, or 50, is both sides.
with

written as (

    select distinct upper(modifiers) as modifiers
    from raw.orders
    where modifiers is not null

),

part as (

    select
        modifiers,
        unnest(string_split(modifiers, ';')) as modifier
    from written

),

sided as (

    select
        part.modifiers,
        bool_or(modifier.laterality in ('left', 'bilateral')) as is_left,
        bool_or(modifier.laterality in ('right', 'bilateral')) as is_right
    from part
    inner join rule.modifier as modifier
        on modifier.modifier = trim(part.modifier)
    where modifier.laterality is not null
    group by part.modifiers

)

select
    modifiers,
    case
        when is_left and is_right then 'bilateral'
        when is_left then 'left'
        else 'right'
    end as laterality
from sided
