-- One row per standing row of orders that is counted and not kept: its person has no code of invasive breast cancer.
-- Until format 3 every row was kept.
select
    part,
    line,
    cast(null as bigint) as key_number,
    patient_id,
    cast(null as date) as ordered_on,
    cast(null as date) as performed_on,
    code_system,
    code,
    order_type,
    site_id
from raw.orders
where false
