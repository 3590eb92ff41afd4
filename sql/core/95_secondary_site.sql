-- One row per case and part of S14: was every biopsied site assessed (DECISIONS 65)?
-- sides: both breasts were biopsied, and the response exams cover both. sites: two or more labelled tumors were biopsied, and
-- a report speaks of each; orders carry no label.
with

episode as (

    select
        case_id,
        min(index_on) as index_on
    from core.index_exam
    where measure = 'post_completion'
    group by case_id

),

biopsied as (

    select
        counted_case.case_id,
        counted_case.patient_id,
        counted_case.first_dose_on,
        counted_case.surgery_on,
        episode.index_on,
        biopsy_day.is_left,
        biopsy_day.is_right,
        lower(biopsy_day.site_label) as site_label
    from episode
    inner join core.counted_case as counted_case
        on counted_case.case_id = episode.case_id
    inner join core.biopsy_day as biopsy_day
        on biopsy_day.patient_id = counted_case.patient_id
    cross join stg.parameter as parameter
    where
        biopsy_day.extract = 'procedures'
        and biopsy_day.kind = 'biopsy'
        and biopsy_day.target = 'breast'
        and biopsy_day.day >= counted_case.diagnosed_on - parameter.workup_days
        and biopsy_day.day <= counted_case.first_dose_on
        and (
            (biopsy_day.may_be_left and counted_case.may_be_left)
            or (biopsy_day.may_be_right and counted_case.may_be_right)
        )

),

both_sides as (

    select
        case_id,
        min(index_on) as index_on
    from biopsied
    group by case_id
    having bool_or(is_left) and bool_or(is_right)

),

imaged as (

    select
        response_order.case_id,
        bool_or(exam.is_left) and bool_or(exam.is_right) as is_both
    from core.response_order as response_order
    inner join core.exam as exam
        on exam.exam_id = response_order.exam_id
    where response_order.reading = 'as_defined' and response_order.measure = 'post_completion'
    group by response_order.case_id

),

site as (

    select
        biopsied.case_id,
        biopsied.index_on,
        biopsied.site_label,
        count(finding.finding_id) > 0 as is_reported
    from biopsied
    left join stg.finding as finding
        on
            finding.patient_id = biopsied.patient_id
            and lower(finding.site_label) = biopsied.site_label
            and finding.reported_on >= biopsied.first_dose_on
            and (biopsied.surgery_on is null or finding.reported_on < biopsied.surgery_on)
    where biopsied.site_label is not null
    group by biopsied.case_id, biopsied.index_on, biopsied.site_label

)

select
    'S14' as measure,
    'sides' as part,
    both_sides.case_id as unit_id,
    both_sides.index_on as counted_on,
    imaged.is_both as is_met
from both_sides
inner join imaged
    on imaged.case_id = both_sides.case_id
union all
select
    'S14' as measure,
    'sites' as part,
    case_id as unit_id,
    min(index_on) as counted_on,
    bool_and(is_reported) as is_met
from site
group by case_id
having count(*) > 1
