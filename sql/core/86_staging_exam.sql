-- One row per case whose first day of imaging for suspected metastasis was asked of a variant with an either/or: which
-- of its exams were done around that day (rules/staging_exam.csv, DECISIONS 50).
with

index_day as (

    select distinct
        scenario_order.case_id,
        scenario_order.edition,
        scenario_order.variant,
        scenario_order.index_on
    from core.scenario_order as scenario_order
    inner join rule.staging_exam as staging_exam
        on
            staging_exam.edition = scenario_order.edition
            and staging_exam.variant = scenario_order.variant
    where scenario_order.scenario = 'suspected_metastasis' and scenario_order.is_first

),

done as (

    select
        index_day.case_id,
        staging_exam.part
    from index_day
    cross join stg.parameter as parameter
    inner join core.exam_line as exam_line
        on exam_line.case_id = index_day.case_id
    left join rule.procedure_alias as alias
        on
            alias.edition = index_day.edition
            and alias.procedure = exam_line.procedure
            and alias.scope = 'any'
    inner join rule.staging_exam as staging_exam
        on
            staging_exam.edition = index_day.edition
            and staging_exam.variant = index_day.variant
            and staging_exam.procedure = coalesce(alias.rated_as, exam_line.procedure)
    where
        exam_line.is_exam_line
        and exam_line.clock_on >= index_day.index_on - parameter.staging_days
        and exam_line.clock_on <= index_day.index_on + parameter.staging_days

)

select
    index_day.case_id,
    index_day.edition,
    index_day.variant,
    index_day.index_on,
    count(*) filter (where done.part = 'pet_ct') > 0 as has_pet_ct,
    count(*) filter (where done.part = 'bone_scan') > 0 as has_bone_scan,
    count(*) filter (where done.part = 'ct') > 0 as has_ct
from index_day
left join done
    on done.case_id = index_day.case_id
group by index_day.case_id, index_day.edition, index_day.variant, index_day.index_on
