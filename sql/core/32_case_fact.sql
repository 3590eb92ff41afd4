-- One row per cancer, with the facts on which its being a neoadjuvant case rests (SPEC 3.4-3.8).
with

metastasis as (

    select
        course.case_id,
        metastasis.diagnosis_id as metastasis_id
    from core.course as course
    inner join core.cancer as cancer
        on cancer.case_id = course.case_id
    inner join core.metastasis as metastasis
        on metastasis.patient_id = cancer.patient_id
    cross join stg.parameter as parameter
    where metastasis.diagnosed_on <= course.first_dose_on + parameter.metastasis_grace_days
    qualify
        row_number() over (
            partition by course.case_id
            order by metastasis.diagnosed_on, metastasis.diagnosis_id
        ) = 1

)

select
    cancer.*,
    case_surgery.surgery_on,
    case_surgery.surgery_id,
    case_surgery.surgery_source,
    course.* exclude (case_id),
    course_evidence.* exclude (case_id),
    metastasis.metastasis_id,
    early_radiation.radiation_id,
    case_end.planned_surgery_id,
    case_end.is_closed,
    course.case_id is not null as has_course,
    case when case_surgery.surgery_on > course.candidate_start_on then true else false end as is_operated_after,
    case when case_surgery.surgery_on <= course.candidate_start_on then true else false end as is_operated_first,
    case
        when
            case_surgery.surgery_on > course.candidate_start_on
            and case_surgery.surgery_on <= course.last_cover_on + parameter.surgery_max_days
            then true
        else false
    end as is_operated_in_time,
    parameter.surgery_max_days,
    parameter.min_doses,
    parameter.min_course_days,
    parameter.min_endocrine_days,
    case
        when cancer.diagnosed_on - parameter.data_from < parameter.lookback_days then true
        else false
    end as is_diagnosed_too_early
from core.cancer as cancer
left join core.course as course
    on course.case_id = cancer.case_id
left join core.course_evidence as course_evidence
    on course_evidence.case_id = cancer.case_id
left join core.case_surgery as case_surgery
    on case_surgery.case_id = cancer.case_id
left join metastasis
    on metastasis.case_id = cancer.case_id
left join core.early_radiation as early_radiation
    on early_radiation.case_id = cancer.case_id
cross join stg.parameter as parameter
left join core.case_end as case_end
    on
        case_end.case_id = cancer.case_id
        and case_end.completion_lead_days = parameter.completion_lead_days
