-- One row per incident breast cancer of a patient (SPEC 3.1).
-- A second cancer needs one side that no earlier row named while the first cancer's side is known, so a
-- patient has at most two: there are only two sides to name. Every row from then on is the second's.
with

second_start as (

    select
        invasive_diagnosis.patient_id,
        invasive_diagnosis.diagnosed_on,
        invasive_diagnosis.diagnosis_id
    from core.invasive_diagnosis as invasive_diagnosis
    cross join stg.parameter as parameter
    where
        invasive_diagnosis.diagnosed_on
        > invasive_diagnosis.first_diagnosed_on + parameter.metachronous_days
        and (
            (
                invasive_diagnosis.is_left and not invasive_diagnosis.is_right
                and invasive_diagnosis.n_right_before = 1 and invasive_diagnosis.n_left_before = 0
            )
            or (
                invasive_diagnosis.is_right and not invasive_diagnosis.is_left
                and invasive_diagnosis.n_left_before = 1 and invasive_diagnosis.n_right_before = 0
            )
        )
    qualify
        row_number() over (
            partition by invasive_diagnosis.patient_id
            order by invasive_diagnosis.diagnosed_on, invasive_diagnosis.diagnosis_id
        ) = 1

),

assigned as (

    select
        invasive_diagnosis.*,
        case
            when second_start.patient_id is null then 1
            when invasive_diagnosis.diagnosed_on > second_start.diagnosed_on then 2
            when
                invasive_diagnosis.diagnosed_on = second_start.diagnosed_on
                and invasive_diagnosis.diagnosis_id >= second_start.diagnosis_id
                then 2
            else 1
        end as cancer_number
    from core.invasive_diagnosis as invasive_diagnosis
    left join second_start
        on second_start.patient_id = invasive_diagnosis.patient_id

),

cancer as (

    select
        patient_id,
        cancer_number,
        min(diagnosed_on) as diagnosed_on,
        bool_or(is_left) as is_left,
        bool_or(is_right) as is_right
    from assigned
    group by patient_id, cancer_number

),

first_row as (

    select
        patient_id,
        cancer_number,
        diagnosis_id
    from assigned
    qualify
        row_number() over (
            partition by patient_id, cancer_number
            order by diagnosed_on, diagnosis_id
        ) = 1

)

select
    cancer.patient_id || '#' || cast(cancer.cancer_number as varchar) as case_id,
    cancer.patient_id,
    cancer.cancer_number,
    cancer.diagnosed_on,
    lead(cancer.diagnosed_on) over (
        partition by cancer.patient_id
        order by cancer.cancer_number
    ) as next_diagnosed_on,
    cancer.is_left,
    cancer.is_right,
    case
        when cancer.is_left and cancer.is_right then 'bilateral'
        when cancer.is_left then 'left'
        when cancer.is_right then 'right'
    end as laterality,
    cancer.is_left or not cancer.is_right as may_be_left,
    cancer.is_right or not cancer.is_left as may_be_right,
    first_row.diagnosis_id,
    patient_span.as_of,
    patient_span.covered_to
from cancer
inner join first_row
    on
        first_row.patient_id = cancer.patient_id
        and first_row.cancer_number = cancer.cancer_number
inner join stg.patient_span as patient_span
    on patient_span.patient_id = cancer.patient_id
