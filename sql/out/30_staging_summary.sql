-- One row per way in which suspected metastasis was worked up under an either/or, with the number of cases.
select
    staging_workup.workup,
    staging_workup.follows_either_or,
    staging_workup.is_all_three,
    count(staged.case_id) as n_cases
from rule.staging_workup as staging_workup
left join out.staging_workup as staged
    on staged.workup = staging_workup.workup
group by staging_workup.workup, staging_workup.follows_either_or, staging_workup.is_all_three
