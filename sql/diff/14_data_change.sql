-- One row per extract: how many rows each run read of it, and how many ids are new, gone or corrected in the later.
-- Lines that could not be split into columns are no rows: they are counted beside them.
with

rejected as (

    select 'earlier' as run, extract from earlier.raw.rejected_row
    union all
    select 'later', extract from later.raw.rejected_row

),

n_rejected as (

    select
        extract,
        count(*) filter (where run = 'earlier') as n_earlier,
        count(*) filter (where run = 'later') as n_later
    from rejected
    group by extract

),

n_changed as (

    select
        extract,
        count(*) filter (where change = 'new') as n_new,
        count(*) filter (where change = 'gone') as n_gone,
        count(*) filter (where change = 'corrected') as n_corrected
    from diff.row_change
    group by extract

),

-- Orders that are counted and not kept were read as well.
any_row as (

    select run, extract from diff.delivered_row
    union all
    select 'earlier', 'orders' from earlier.raw.other_order
    union all
    select 'later', 'orders' from later.raw.other_order

),

n_row as (

    select
        extract,
        count(*) filter (where run = 'earlier') as n_earlier,
        count(*) filter (where run = 'later') as n_later
    from any_row
    group by extract

)

select
    n_row.extract,
    n_row.n_earlier,
    n_row.n_later,
    coalesce(n_changed.n_new, 0) as n_new,
    coalesce(n_changed.n_gone, 0) as n_gone,
    coalesce(n_changed.n_corrected, 0) as n_corrected,
    coalesce(n_rejected.n_earlier, 0) as n_rejected_earlier,
    coalesce(n_rejected.n_later, 0) as n_rejected_later
from n_row
left join n_changed
    on n_changed.extract = n_row.extract
left join n_rejected
    on n_rejected.extract = n_row.extract
