-- One row per cancer and run: whether it is a neoadjuvant case, or why not.
select
    'earlier' as run,
    case_id,
    patient_id,
    is_case,
    not_case_reason
from earlier.out.neoadjuvant_case
union all
select
    'later',
    case_id,
    patient_id,
    is_case,
    not_case_reason
from later.out.neoadjuvant_case
