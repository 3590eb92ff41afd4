-- One row per case whose imaging for suspected metastasis was asked of variant 6 (2022): how it was worked up.
-- FDG-PET/CT alone, or bone scan together with contrast-enhanced CT, follow the either/or; all three are flagged.
select
    staging_exam.case_id,
    neoadjuvant_case.patient_id,
    staging_exam.index_on,
    staging_exam.edition,
    staging_exam.variant,
    staging_exam.has_pet_ct,
    staging_exam.has_bone_scan,
    staging_exam.has_ct,
    staging_workup.workup,
    staging_workup.follows_either_or,
    staging_workup.is_all_three
from core.staging_exam as staging_exam
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = staging_exam.case_id
inner join rule.staging_workup as staging_workup
    on
        staging_workup.has_pet_ct = cast(staging_exam.has_pet_ct as varchar)
        and staging_workup.has_bone_scan = cast(staging_exam.has_bone_scan as varchar)
        and staging_workup.has_ct = cast(staging_exam.has_ct as varchar)
