-- One row per person, reason and kind of those order lines that are counted and not kept: how many, and the last of them.
-- Until format 3 every row was kept.
select
    patient_id,
    cast(null as varchar) as reason,
    cast(null as varchar) as kind,
    cast(null as bigint) as n_orders,
    cast(null as bigint) as n_performed,
    cast(null as date) as last_on
from raw.orders
where false
