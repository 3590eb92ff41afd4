-- One row per imaging order line of a neoadjuvant case, with its phase: the first that holds (SPEC 4).
select
    exam_line.order_id,
    exam_line.case_id,
    case
        when
            exam_line.clock_on < neoadjuvant_case.first_dose_on
            or (
                exam_line.ordered_on < neoadjuvant_case.first_dose_on
                and exam_line.clock_on <= neoadjuvant_case.first_dose_on + parameter.baseline_days
            )
            then 'before_therapy'
        when exam_line.clock_on >= neoadjuvant_case.surgery_on then 'after_surgery'
        when
            not neoadjuvant_case.is_set_by_cytotoxic
            and exam_line.clock_on >= neoadjuvant_case.surgery_on - parameter.preop_days
            then 'post_completion'
        when
            not neoadjuvant_case.is_closed
            and exam_line.clock_on >= neoadjuvant_case.last_dose_on - parameter.completion_lead_days
            then 'end_unknown'
        when
            exam_line.clock_on < neoadjuvant_case.last_dose_on - parameter.completion_lead_days
            and exam_line.clock_on < neoadjuvant_case.first_dose_on + parameter.min_response_days
            and not exam.says_response
            then 'early_treatment'
        when exam_line.clock_on < neoadjuvant_case.last_dose_on - parameter.completion_lead_days
            then 'on_treatment'
        when
            exam_line.clock_on <= neoadjuvant_case.last_dose_on + parameter.window_days
            or neoadjuvant_case.is_operated_in_time
            then 'post_completion'
        else 'after_window'
    end as phase
from core.exam_line as exam_line
inner join core.neoadjuvant_case as neoadjuvant_case
    on
        neoadjuvant_case.case_id = exam_line.case_id
        and neoadjuvant_case.is_case
inner join core.exam as exam
    on exam.exam_id = exam_line.exam_id
cross join stg.parameter as parameter
