-- One row per extract of a delivery: how many rows came, how many of them stand, and how many a later delivery superseded.
-- A delivery that is no part of a series has no name, and all of its rows stand.
with

came as (

    select 'orders' as extract, part, 'stands' as fate from raw.orders
    union all
    select 'orders', part, 'stands' from raw.other_order
    union all
    select 'diagnoses', part, 'stands' from raw.diagnoses
    union all
    select 'therapies', part, 'stands' from raw.therapies
    union all
    select 'procedures', part, 'stands' from raw.procedures
    union all
    select 'patients', part, 'stands' from raw.patients
    union all
    select 'findings', part, 'stands' from raw.findings
    union all
    select 'code_map', part, 'stands' from raw.code_map
    union all
    select extract, part, 'superseded' from raw.superseded_row
    union all
    select extract, part, 'unreadable' from raw.rejected_row

),

counted as (

    select
        extract,
        part,
        count(*) as n_rows,
        count(*) filter (where fate = 'stands') as n_standing,
        count(*) filter (where fate = 'superseded') as n_superseded,
        count(*) filter (where fate = 'unreadable') as n_unreadable
    from came
    group by extract, part

)

select
    delivery_part.extract,
    delivery_part.delivery,
    delivery_part.covers_days_to,
    delivery_part.series_place,
    cast(coalesce(sum(counted.n_rows), 0) as bigint) as n_rows,
    cast(coalesce(sum(counted.n_standing), 0) as bigint) as n_standing,
    cast(coalesce(sum(counted.n_superseded), 0) as bigint) as n_superseded,
    cast(coalesce(sum(counted.n_unreadable), 0) as bigint) as n_unreadable
from raw.delivery_part as delivery_part
left join counted
    on
        counted.extract = delivery_part.extract
        and counted.part = delivery_part.part
group by
    delivery_part.extract,
    delivery_part.delivery,
    delivery_part.covers_days_to,
    delivery_part.series_place
