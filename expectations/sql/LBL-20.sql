-- One row per label whose case is missing from out.neoadjuvant_case, or is not in the audit there.
select label.order_id
from {batch} as label
left join out.neoadjuvant_case as neoadjuvant_case
    on
        neoadjuvant_case.case_id = label.case_id
        and neoadjuvant_case.patient_id = label.patient_id
        and neoadjuvant_case.is_case
where neoadjuvant_case.case_id is null
