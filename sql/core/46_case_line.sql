-- One row per imaging order line of a patient with an invasive breast cancer, with the procedure it is read as (SPEC 5).
-- A code that names no organ or tracer is read by the doses of its day and its own reasons (DECISIONS 9, 119).
with

traced as (

    select
        clocked.*,
        fdg.dose_id as fdg_id,
        other_tracer.dose_id as other_tracer_id,
        sestamibi.dose_id as sestamibi_id,
        breast_reason.order_id is not null as has_breast_reason,
        node_reason.order_id is not null as has_node_reason,
        -- Blanks between the semicolons are no code.
        clocked.reason_codes is not null
        and trim(replace(clocked.reason_codes, ';', ' ')) <> '' as has_reason,
        stated.order_id is not null as has_response_assessment,
        axilla.order_id is not null as has_axilla_evaluation
    from core.clocked_line as clocked
    left join core.dose_day as fdg
        on
            fdg.patient_id = clocked.patient_id
            and fdg.day = clocked.event_on
            and fdg.dose = 'fdg_dose'
    left join core.dose_day as other_tracer
        on
            other_tracer.patient_id = clocked.patient_id
            and other_tracer.day = clocked.event_on
            and other_tracer.dose = 'other_pet_dose'
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
    left join (
        select distinct order_id
        from core.line_reason
        where concept = 'axillary_node_metastasis'
    ) as node_reason
        on node_reason.order_id = clocked.order_id
    left join core.line_context as stated
        on
            stated.order_id = clocked.order_id
            and stated.word = 'response_assessment'
    left join core.line_context as axilla
        on
            axilla.order_id = clocked.order_id
            and axilla.word = 'axilla_evaluation'

),

proven as (

    select
        *,
        case requires
            when 'sestamibi_or_breast_indication'
                then sestamibi_id is not null or has_breast_reason or has_response_assessment
            -- Without any reason nothing speaks against the axilla.
            when 'axilla_indication'
                then
                    not has_reason or has_breast_reason or has_node_reason
                    or has_response_assessment or has_axilla_evaluation
            else true
        end as is_as_named
    from traced

),

named as (

    select
        proven.* exclude (kind, procedure),
        case when not proven.is_as_named and otherwise.otherwise is null then 'unmapped' else proven.kind end as kind,
        case
            when not proven.is_as_named then otherwise.otherwise
            when proven.requires = 'fdg_tracer' and proven.other_tracer_id is not null and proven.fdg_id is null
                then 'pet_other_tracer'
            else proven.procedure
        end as procedure
    from proven
    left join rule.otherwise as otherwise
        on
            otherwise.requires = proven.requires
            and otherwise.procedure = proven.procedure

)

select
    named.* exclude (purpose),
    case
        when named.kind = 'unmapped' then 'diagnostic'
        when named.procedure = 'pet_other_tracer' then 'other'
        when not named.is_as_named then procedure.default_purpose
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
left join rule.procedure as procedure
    on procedure.procedure = named.procedure
