-- One row per imaging order line of a case and kind of finding that came before it (SPEC 6).
-- Later notes do not excuse an order, and a finding read off the exam itself is no reason for it.
with

finding as (

    select
        finding_id,
        patient_id,
        reported_on,
        order_id,
        case
            when finding in ('response_progressive', 'clinical_progression') then 'progression'
            when finding = 'discordant' then 'discordance'
        end as kind,
        laterality is null or laterality in ('left', 'bilateral') as may_be_left,
        laterality is null or laterality in ('right', 'bilateral') as may_be_right
    from stg.finding
    where finding in ('response_progressive', 'clinical_progression', 'discordant')

)

select
    exam_line.order_id,
    finding.kind,
    min(finding.finding_id) as finding_id
from core.phase as phase
inner join core.exam_line as exam_line
    on exam_line.order_id = phase.order_id
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = exam_line.case_id
inner join finding
    on finding.patient_id = exam_line.patient_id
left join core.exam_line as own_line
    on
        own_line.order_id = finding.order_id
        and own_line.exam_id = exam_line.exam_id
cross join stg.parameter as parameter
where
    finding.reported_on >= neoadjuvant_case.first_dose_on
    and finding.reported_on >= exam_line.ordered_on - parameter.evidence_days
    and (
        finding.reported_on < exam_line.ordered_on
        or (finding.reported_on = exam_line.ordered_on and finding.order_id is null)
    )
    and own_line.order_id is null
    and (
        (finding.may_be_left and neoadjuvant_case.may_be_left)
        or (finding.may_be_right and neoadjuvant_case.may_be_right)
    )
group by exam_line.order_id, finding.kind
