-- One row per imaging order line of a patient with an invasive breast cancer, with the procedure it is read as (SPEC 5).
-- A code that names no organ or tracer is read by the doses of its day (DECISIONS 9).
with

traced as (

    select
        clocked.*,
        fdg.dose_id as fdg_id,
        fes.dose_id as fes_id,
        sestamibi.dose_id as sestamibi_id,
        breast_reason.order_id is not null as has_breast_reason,
        stated.order_id is not null as has_response_assessment
    from core.clocked_line as clocked
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
