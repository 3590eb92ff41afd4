-- One row per imaging order line of a patient with an invasive breast cancer: the cancer it belongs to, its day,
-- its side and its procedure (SPEC 4, 5). case_id is null for a line from before the first cancer's work-up.
with

clocked as (

    select
        order_line.*,
        imaging_line.kind,
        imaging_line.procedure,
        imaging_line.purpose,
        imaging_line.requires,
        imaging_line.contrast_assumed,
        case
            when parameter.clock = 'ordered' then order_line.ordered_on
            else coalesce(order_line.performed_on, order_line.scheduled_on, order_line.ordered_on)
        end as clock_on,
        coalesce(imaging_line.code_laterality, order_line.laterality, modifier_side.laterality) as side
    from core.imaging_line as imaging_line
    inner join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = imaging_line.patient_id
    inner join stg.order_line as order_line
        on order_line.order_id = imaging_line.order_id
    left join stg.modifier_side as modifier_side
        on modifier_side.modifiers = order_line.modifiers
    cross join stg.parameter as parameter

),

owned as (

    select
        clocked.order_id,
        cancer.case_id
    from clocked
    inner join core.cancer as cancer
        on cancer.patient_id = clocked.patient_id
    cross join stg.parameter as parameter
    where
        cancer.diagnosed_on <= clocked.clock_on
        or (
            cancer.cancer_number = 1
            and clocked.clock_on >= cancer.diagnosed_on - parameter.workup_days
        )
    qualify
        row_number() over (
            partition by clocked.order_id
            order by cancer.cancer_number desc
        ) = 1

),

traced as (

    select
        clocked.*,
        owned.case_id,
        fdg.dose_id as fdg_id,
        fes.dose_id as fes_id,
        sestamibi.dose_id as sestamibi_id,
        breast_reason.order_id is not null as has_breast_reason,
        stated.order_id is not null as has_response_assessment
    from clocked
    left join owned
        on owned.order_id = clocked.order_id
    left join core.dose_day as fdg
        on
            fdg.patient_id = clocked.patient_id
            and fdg.day = clocked.event_on
            and fdg.dose = 'fdg_dose'
    left join core.dose_day as fes
        on
            fes.patient_id = clocked.patient_id
            and fes.day = clocked.event_on
            and fes.dose = 'fes_dose'
    left join core.dose_day as sestamibi
        on
            sestamibi.patient_id = clocked.patient_id
            and sestamibi.day = clocked.event_on
            and sestamibi.dose = 'sestamibi_dose'
    left join (
        select distinct order_id
        from core.line_reason
        where concept in ('invasive_breast_cancer', 'in_situ')
    ) as breast_reason
        on breast_reason.order_id = clocked.order_id
    left join core.line_context as stated
        on
            stated.order_id = clocked.order_id
            and stated.word = 'response_assessment'

),

named as (

    select
        * exclude (kind, procedure),
        case
            when
                requires = 'sestamibi_or_breast_indication'
                and sestamibi_id is null and not has_breast_reason and not has_response_assessment
                then 'unmapped'
            else kind
        end as kind,
        case
            when
                requires = 'sestamibi_or_breast_indication'
                and sestamibi_id is null and not has_breast_reason and not has_response_assessment
                then null
            when requires = 'fdg_tracer' and fes_id is not null and fdg_id is null
                then 'pet_other_tracer'
            else procedure
        end as procedure
    from traced

)

select
    named.* exclude (purpose),
    case
        when named.kind = 'unmapped' then 'diagnostic'
        when named.procedure = 'pet_other_tracer' then 'other'
        else named.purpose
    end as purpose,
    named.side is not null and named.side in ('left', 'bilateral') as is_left,
    named.side is not null and named.side in ('right', 'bilateral') as is_right,
    case
        when named.status in ('cancelled', 'entered_in_error') then false
        when named.kind <> 'mapped' then false
        when named.purpose = 'guidance' then false
        else true
    end as is_exam_line
from named
