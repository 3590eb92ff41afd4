-- One row per imaging order line of a neoadjuvant case and timing, with its phase: the first row of the table that holds
-- (SPEC 4). What a phase is called and what the router makes of it stands in rules/phase.csv.
-- The declared timing places every line. The others place only exams that can assess the response, each by the line that
-- speaks for it: nothing else can move between definitions, and other people's lines are never multiplied.
select
    exam_line.order_id,
    exam_line.case_id,
    timing.timing,
    case
        when
            exam_line.clock_on < neoadjuvant_case.first_dose_on
            or (
                exam_line.ordered_on < neoadjuvant_case.first_dose_on
                and exam_line.clock_on <= neoadjuvant_case.first_dose_on + parameter.baseline_days
            )
            then 1
        when exam_line.clock_on >= neoadjuvant_case.surgery_on then 2
        when
            not neoadjuvant_case.is_set_by_cytotoxic
            and exam_line.clock_on >= neoadjuvant_case.surgery_on - parameter.preop_days
            then 3
        when
            not case_end.is_closed
            and exam_line.clock_on >= neoadjuvant_case.last_dose_on - timing.completion_lead_days
            then 4
        when
            exam_line.clock_on < neoadjuvant_case.last_dose_on - timing.completion_lead_days
            and exam_line.clock_on < neoadjuvant_case.first_dose_on + timing.min_response_days
            and not exam.says_response
            then 5
        when exam_line.clock_on < neoadjuvant_case.last_dose_on - timing.completion_lead_days
            then 6
        when
            exam_line.clock_on <= neoadjuvant_case.last_dose_on + timing.window_days
            or neoadjuvant_case.is_operated_in_time
            then 7
        else 8
    end as phase_row
from core.exam_line as exam_line
inner join core.neoadjuvant_case as neoadjuvant_case
    on
        neoadjuvant_case.case_id = exam_line.case_id
        and neoadjuvant_case.is_case
inner join core.exam as exam
    on exam.exam_id = exam_line.exam_id
inner join core.timing as timing
    on
        timing.is_declared
        or (exam_line.response_pool and exam_line.order_id = exam_line.exam_id)
inner join core.case_end as case_end
    on
        case_end.case_id = exam_line.case_id
        and case_end.completion_lead_days = timing.completion_lead_days
cross join stg.parameter as parameter
