-- One row per code, type of order and day on which it was ordered, and what the code reaches (SPEC 5): asked only of orders
-- that are counted and not kept, of which there are none until format 3.
select
    code_system,
    code,
    order_type,
    cast(null as date) as ordered_on,
    cast(null as varchar) as kind,
    cast(null as varchar) as procedure,
    cast(null as varchar) as purpose,
    cast(null as varchar) as support,
    cast(null as varchar) as requires,
    cast(null as varchar) as code_laterality,
    cast(null as boolean) as contrast_assumed,
    cast(null as boolean) as is_outside_valid_dates
from raw.orders
where false
