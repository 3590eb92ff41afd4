-- One row per imaging order line of a patient with a counted case that stands for an exam in the secondary measures:
-- mapped, neither cancelled nor entered in error, not guidance by its code, with its own day and side. Lines outside the
-- case count too (an exam from before the work-up, or of the patient's other cancer).
with

counted_patient as (

    select distinct patient_id
    from core.counted_case

)

select
    case_line.order_id,
    case_line.patient_id,
    case_line.ordered_on,
    case_line.clock_on,
    case_line.procedure,
    case_line.purpose,
    procedure.exam_family,
    procedure.response_pool,
    case_line.is_left or not case_line.is_right as may_be_left,
    case_line.is_right or not case_line.is_left as may_be_right,
    routed.reason is not null and routed.reason = 'guidance' as is_guidance
from core.case_line as case_line
inner join counted_patient
    on counted_patient.patient_id = case_line.patient_id
inner join rule.procedure as procedure
    on procedure.procedure = case_line.procedure
left join core.exam_line as exam_line
    on exam_line.order_id = case_line.order_id
-- What the router says of an exam it says of the line that speaks for it.
left join core.routed as routed
    on
        routed.order_id = exam_line.exam_id
        and routed.reading = 'as_defined'
where case_line.is_exam_line
