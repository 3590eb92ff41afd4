-- One row per finding and exam of a counted case whose result it is (DECISIONS 54).
-- A finding that names an order belongs to that order's exam, and to no other; one that names none to the latest response
-- exam of the case that it can be about.
with

named as (

    select
        finding.finding_id,
        exam_line.exam_id
    from stg.finding as finding
    inner join core.exam_line as exam_line
        on
            exam_line.patient_id = finding.patient_id
            and exam_line.order_id = finding.order_id

),

unnamed as (

    select
        finding.finding_id,
        response_order.exam_id
    from stg.finding as finding
    inner join core.counted_case as counted_case
        on counted_case.patient_id = finding.patient_id
    inner join core.response_order as response_order
        on
            response_order.case_id = counted_case.case_id
            and response_order.reading = 'as_defined'
    inner join core.exam as exam
        on exam.exam_id = response_order.exam_id
    cross join stg.parameter as parameter
    where
        finding.order_id is null
        and response_order.clock_on <= finding.reported_on
        and response_order.clock_on >= finding.reported_on - parameter.evidence_days
        and (
            finding.laterality is null
            or (finding.laterality in ('left', 'bilateral') and exam.may_be_left)
            or (finding.laterality in ('right', 'bilateral') and exam.may_be_right)
        )
    qualify
        row_number() over (
            partition by finding.finding_id, response_order.case_id
            order by response_order.clock_on desc, response_order.order_id
        ) = 1

),

result as (

    select finding_id, exam_id from named
    union all
    select finding_id, exam_id from unnamed

)

select
    result.exam_id,
    result.finding_id,
    finding.finding,
    finding.reported_on
from result
inner join stg.finding as finding
    on finding.finding_id = result.finding_id
