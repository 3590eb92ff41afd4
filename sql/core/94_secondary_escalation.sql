-- One row per case that S6 counts: a finding during therapy that did not agree or did not improve, with whether a tumor
-- board, a biopsy or a second modality followed in time and before surgery (DECISIONS 57).
with

flagged as (

    select
        counted_case.case_id,
        counted_case.patient_id,
        counted_case.may_be_left,
        counted_case.may_be_right,
        counted_case.surgery_on,
        finding.reported_on,
        finding.order_id
    from core.counted_case as counted_case
    inner join stg.finding as finding
        on finding.patient_id = counted_case.patient_id
    where
        finding.finding in (
            'discordant', 'response_stable', 'response_progressive', 'clinical_progression'
        )
        and finding.reported_on >= counted_case.first_dose_on
        and (counted_case.surgery_on is null or finding.reported_on < counted_case.surgery_on)
        and (
            finding.laterality is null
            or (finding.laterality in ('left', 'bilateral') and counted_case.may_be_left)
            or (finding.laterality in ('right', 'bilateral') and counted_case.may_be_right)
        )
    qualify
        row_number() over (
            partition by counted_case.case_id
            order by finding.reported_on, finding.finding_id
        ) = 1

),

spanned as (

    select
        flagged.*,
        named_procedure.exam_family as named_family,
        flagged.reported_on + parameter.escalation_days as escalated_by
    from flagged
    left join core.case_line as named_line
        on
            named_line.patient_id = flagged.patient_id
            and named_line.order_id = flagged.order_id
    left join rule.procedure as named_procedure
        on named_procedure.procedure = named_line.procedure
    cross join stg.parameter as parameter

),

step as (

    select spanned.case_id, finding.reported_on as day
    from spanned
    inner join stg.finding as finding
        on finding.patient_id = spanned.patient_id
    where finding.finding = 'tumor_board_review'
    union all
    select spanned.case_id, biopsy_day.day
    from spanned
    inner join core.biopsy_day as biopsy_day
        on biopsy_day.patient_id = spanned.patient_id
    where
        biopsy_day.kind = 'biopsy'
        and (
            (biopsy_day.may_be_left and spanned.may_be_left)
            or (biopsy_day.may_be_right and spanned.may_be_right)
        )
    union all
    -- Where the finding names no exam whose family is known, any family is a second modality.
    select spanned.case_id, patient_exam.ordered_on as day
    from spanned
    inner join core.patient_exam as patient_exam
        on patient_exam.patient_id = spanned.patient_id
    where
        patient_exam.response_pool
        and (spanned.named_family is null or patient_exam.exam_family <> spanned.named_family)

),

met as (

    select distinct spanned.case_id
    from spanned
    inner join step
        on step.case_id = spanned.case_id
    where
        step.day >= spanned.reported_on
        and step.day <= spanned.escalated_by
        and (spanned.surgery_on is null or step.day < spanned.surgery_on)

)

select
    'S6' as measure,
    'all' as part,
    spanned.case_id as unit_id,
    spanned.reported_on as counted_on,
    met.case_id is not null as is_met
from spanned
left join met
    on met.case_id = spanned.case_id
