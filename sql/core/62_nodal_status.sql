-- One row per imaging order line of a case: the nodal status known when it was ordered, and whether an axillary
-- exam came earlier (SPEC 6). Status is that of the latest diagnosis that states one; unknown where none does.
with

stated as (

    select
        diagnosis.patient_id,
        diagnosis.diagnosis_id,
        diagnosis.diagnosed_on,
        coalesce(
            diagnosis.nodal_status,
            case when value_set.code is not null then 'positive' end
        ) as nodal_status
    from stg.diagnosis as diagnosis
    inner join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = diagnosis.patient_id
    left join rule.diagnosis as value_set
        on
            value_set.code_system = diagnosis.code_system
            and value_set.code = diagnosis.code
            and value_set.concept = 'axillary_node_metastasis'
    where diagnosis.nodal_status is not null or value_set.code is not null

),

latest as (

    select
        exam_line.order_id,
        stated.nodal_status,
        stated.diagnosis_id
    from core.phase as phase
    inner join core.exam_line as exam_line
        on exam_line.order_id = phase.order_id
    inner join stated
        on
            stated.patient_id = exam_line.patient_id
            and stated.diagnosed_on <= exam_line.ordered_on
    qualify
        row_number() over (
            partition by exam_line.order_id
            order by stated.diagnosed_on desc, stated.diagnosis_id desc
        ) = 1

),

axillary_exam as (

    -- Any order of the person counts, whatever it is for, if its procedure or its context is of the axilla.
    select
        order_line.patient_id,
        min(
            case
                when parameter.clock = 'ordered' then order_line.ordered_on
                else coalesce(order_line.performed_on, order_line.scheduled_on, order_line.ordered_on)
            end
        ) as first_on
    from stg.order_line as order_line
    inner join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = order_line.patient_id
    left join core.case_line as case_line
        on case_line.order_id = order_line.order_id
    left join rule.procedure as procedure
        on
            procedure.procedure = case_line.procedure
            and procedure.is_axillary
    left join stg.context_text as context_text
        on
            context_text.context = order_line.context
            and context_text.word = 'axilla_evaluation'
    cross join stg.parameter as parameter
    where
        (order_line.status is null or order_line.status not in ('cancelled', 'entered_in_error'))
        and (procedure.procedure is not null or context_text.context is not null)
    group by order_line.patient_id

)

select
    phase.order_id,
    coalesce(latest.nodal_status, 'unknown') as nodal_status,
    latest.diagnosis_id as nodal_diagnosis_id,
    case
        when axillary_exam.first_on < exam_line.clock_on then true
        else false
    end as has_earlier_axillary_exam
from core.phase as phase
inner join core.exam_line as exam_line
    on exam_line.order_id = phase.order_id
left join latest
    on latest.order_id = phase.order_id
left join axillary_exam
    on axillary_exam.patient_id = exam_line.patient_id
