-- One row per recorded diagnosis of invasive breast cancer, in the order in which cancers are told apart (SPEC 3.1).
-- n_left_before and n_right_before are 1 where a row of the patient before this one has named that side.
with

invasive as (

    select
        diagnosis.diagnosis_id,
        diagnosis.patient_id,
        diagnosis.diagnosed_on,
        coalesce(value_set.laterality, diagnosis.laterality) as laterality
    from stg.diagnosis as diagnosis
    inner join rule.diagnosis as value_set
        on
            value_set.code_system = diagnosis.code_system
            and value_set.code = diagnosis.code
            and value_set.concept = 'invasive_breast_cancer'

),

sided as (

    select
        diagnosis_id,
        patient_id,
        diagnosed_on,
        laterality is not null and laterality in ('left', 'bilateral') as is_left,
        laterality is not null and laterality in ('right', 'bilateral') as is_right
    from invasive

)

select
    diagnosis_id,
    patient_id,
    diagnosed_on,
    is_left,
    is_right,
    min(diagnosed_on) over (partition by patient_id) as first_diagnosed_on,
    max(cast(is_left as integer)) over before as n_left_before,
    max(cast(is_right as integer)) over before as n_right_before
from sided
window
    before as (
        partition by patient_id
        order by diagnosed_on, diagnosis_id
        rows between unbounded preceding and 1 preceding
    )
