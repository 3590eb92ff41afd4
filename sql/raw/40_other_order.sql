-- One row per standing row of orders that is counted and not kept: its person has no code of invasive breast cancer.
-- Only what counts need. The key is a number, by which imaging-audit explain finds the row.
select
    part,
    line,
    key_number,
    patient_id,
    ordered_day as ordered_on,
    performed_day as performed_on,
    code_system,
    code,
    order_type,
    nullif(trim(site_id), '') as site_id
from raw.standing_order
where is_set_aside
