-- One row per secondary measure and part, with whether the delivery holds what it takes to tell (DECISIONS 56, 64; SPEC 8).
-- A source that records no clip, no day of performance or no tumor label does not say that there was none.
with

clip as (

    select count(*) as n_rows
    from (
        select
            code_system,
            code
        from core.code_reach
        union all
        select
            code_system,
            code
        from stg.procedure
    ) as coded
    inner join core.biopsy_code as biopsy
        on
            biopsy.code_system = coded.code_system
            and biopsy.code = coded.code
    where biopsy.places_marker in ('yes', 'possible')

),

clip_seen as (

    select count(*) as n_rows
    from stg.finding
    where finding = 'clip_seen'

),

performed_line as (

    select count(*) as n_rows
    from core.imaging_line as imaging_line
    inner join stg.order_line as order_line
        on order_line.order_id = imaging_line.order_id
    where order_line.performed_on is not null
    union all
    select n_performed as n_rows
    from core.other_order_fate
    where kind is not null

),

performed as (

    select sum(n_rows) as n_rows
    from performed_line

),

labelled as (

    select count(*) as n_rows
    from stg.procedure
    where site_label is not null

)

select
    secondary_measure.measure,
    secondary_measure.part,
    secondary_measure.position,
    secondary_measure.name,
    secondary_measure.label,
    secondary_measure.unit,
    secondary_measure.better,
    secondary_measure.sanity_note,
    case
        when secondary_measure.measure = 'S5' then clip.n_rows > 0 or clip_seen.n_rows > 0
        when secondary_measure.measure = 'S13' then performed.n_rows > 0
        when secondary_measure.measure = 'S14' and secondary_measure.part = 'sites'
            then labelled.n_rows > 0
        else true
    end as is_computable
from rule.secondary_measure as secondary_measure
cross join clip
cross join clip_seen
cross join performed
cross join labelled
