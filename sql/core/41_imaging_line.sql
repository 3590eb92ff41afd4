-- One row per imaging order line that is read, of any patient, and what its code reaches (SPEC 5).
-- kind: mapped reaches a procedure; not_breast_code cannot hide a breast exam; unmapped may hide one.
with

reached as (

    select
        order_line.order_id,
        order_line.patient_id,
        order_line.order_type,
        order_line.code_system,
        order_line.ordered_on,
        imaging_code.support,
        imaging_code.requires,
        imaging_code.laterality as code_laterality,
        imaging_code.contrast_assumed,
        imaging_code.valid_from,
        imaging_code.valid_to,
        coalesce(imaging_code.procedure, code_map.procedure) as procedure,
        coalesce(imaging_code.purpose, procedure.default_purpose) as purpose,
        code_map.is_not_breast
    from stg.order_line as order_line
    left join core.imaging_code as imaging_code
        on
            imaging_code.code_system = order_line.code_system
            and imaging_code.code = order_line.code
            and (
                imaging_code.has_one_meaning
                or (
                    order_line.ordered_on >= coalesce(imaging_code.valid_from, order_line.ordered_on)
                    and order_line.ordered_on <= coalesce(imaging_code.valid_to, order_line.ordered_on)
                )
            )
    left join stg.code_map as code_map
        on
            order_line.code_system = 'LOCAL'
            and code_map.code = order_line.code
    left join rule.procedure as procedure
        on procedure.procedure = code_map.procedure

),

judged as (

    select
        *,
        case
            when support = 'unlisted' then 'unmapped'
            when procedure is not null then 'mapped'
            when order_type = 'imaging' and is_not_breast then 'not_breast_code'
            when order_type = 'imaging' and code_system in ('CPT', 'HCPCS') then 'not_breast_code'
            when order_type = 'imaging' then 'unmapped'
        end as kind
    from reached

)

select
    order_id,
    patient_id,
    kind,
    case when kind = 'mapped' then procedure end as procedure,
    case kind when 'mapped' then purpose when 'unmapped' then 'diagnostic' end as purpose,
    support,
    requires,
    code_laterality,
    contrast_assumed,
    case
        when ordered_on < valid_from or ordered_on > valid_to then true
        else false
    end as is_outside_valid_dates
from judged
where kind is not null
