-- One row per case and procedure that is not of a case in the audit.
select
    radiation.case_id,
    radiation.procedure
from {batch} as radiation
left join out.neoadjuvant_case as neoadjuvant_case
    on
        neoadjuvant_case.case_id = radiation.case_id
        and neoadjuvant_case.is_case
where neoadjuvant_case.case_id is null
