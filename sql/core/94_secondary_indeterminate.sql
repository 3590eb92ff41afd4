-- One row per episode that S4 counts: an index order's result was indeterminate and no index order was a contrast MRI,
-- with whether such an MRI was then ordered in time (DECISIONS 55).
with

episode as (

    select
        measure,
        case_id,
        min(patient_id) as patient_id,
        min(index_on) as index_on
    from core.index_exam
    group by measure, case_id
    having count(*) filter (where exam_family = 'mri_breast_contrast') = 0

),

first_result as (

    select
        index_exam.measure,
        index_exam.case_id,
        min(exam_result.reported_on) as reported_on
    from core.index_exam as index_exam
    inner join core.exam_result as exam_result
        on exam_result.exam_id = index_exam.exam_id
    where exam_result.finding = 'response_indeterminate'
    group by index_exam.measure, index_exam.case_id

),

counted as (

    select
        episode.*,
        first_result.reported_on
    from episode
    inner join first_result
        on
            first_result.measure = episode.measure
            and first_result.case_id = episode.case_id

),

met as (

    select distinct
        counted.measure,
        counted.case_id
    from counted
    inner join core.patient_exam as patient_exam
        on patient_exam.patient_id = counted.patient_id
    cross join stg.parameter as parameter
    where
        patient_exam.exam_family = 'mri_breast_contrast'
        and patient_exam.ordered_on >= counted.reported_on
        and patient_exam.ordered_on <= counted.reported_on + parameter.escalation_days

)

select
    'S4' as measure,
    counted.measure as part,
    counted.case_id as unit_id,
    counted.index_on as counted_on,
    met.case_id is not null as is_met
from counted
left join met
    on
        met.measure = counted.measure
        and met.case_id = counted.case_id
