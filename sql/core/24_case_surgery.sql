-- One row per cancer that was operated: its first definitive breast surgery (SPEC 3.4).
-- Only where no surgery row exists does the first diagnosis of acquired absence of breast stand for it.
with

absence_row as (

    select
        'diagnoses' as extract,
        diagnosis.diagnosis_id as row_id,
        diagnosis.patient_id,
        diagnosis.diagnosed_on as day,
        coalesce(value_set.laterality, diagnosis.laterality) as laterality
    from stg.diagnosis as diagnosis
    inner join rule.diagnosis as value_set
        on
            value_set.code_system = diagnosis.code_system
            and value_set.code = diagnosis.code
            and value_set.concept = 'acquired_absence'

),

candidate as (

    select
        extract,
        row_id,
        patient_id,
        day,
        may_be_left,
        may_be_right,
        1 as preference
    from core.surgery_row
    where is_done
    union all
    select
        extract,
        row_id,
        patient_id,
        day,
        laterality is null or laterality in ('left', 'bilateral') as may_be_left,
        laterality is null or laterality in ('right', 'bilateral') as may_be_right,
        2 as preference
    from absence_row

)

select
    cancer.case_id,
    candidate.day as surgery_on,
    candidate.row_id as surgery_id,
    candidate.extract as surgery_source
from core.cancer as cancer
inner join candidate
    on candidate.patient_id = cancer.patient_id
cross join stg.parameter as parameter
where
    candidate.day >= cancer.diagnosed_on - parameter.therapy_grace_days
    and (cancer.next_diagnosed_on is null or candidate.day < cancer.next_diagnosed_on)
    and (
        (cancer.may_be_left and candidate.may_be_left)
        or (cancer.may_be_right and candidate.may_be_right)
    )
qualify
    row_number() over (
        partition by cancer.case_id
        order by candidate.preference, candidate.day, candidate.row_id, candidate.extract
    ) = 1
