-- One row per case whose way of being worked up is not that of its exams in the rules.
select workup.case_id
from {batch} as workup
left join rule.staging_workup as named
    on
        named.workup = workup.workup
        and named.has_pet_ct = cast(workup.has_pet_ct as varchar)
        and named.has_bone_scan = cast(workup.has_bone_scan as varchar)
        and named.has_ct = cast(workup.has_ct as varchar)
where named.workup is null
