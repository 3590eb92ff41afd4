-- One row per imaging order line that is read, of any patient, and what its code reaches (SPEC 5).
-- kind: mapped reaches a procedure; not_breast_code cannot hide a breast exam; unmapped may hide one.
with

-- A code is found by equality and an open span of days, never by an "or": so the join is one look-up a line.
code_span as (

    select
        *,
        case when has_one_meaning or valid_from is null then cast('0001-01-01' as date) else valid_from end as read_from,
        case when has_one_meaning or valid_to is null then cast('9999-12-31' as date) else valid_to end as read_to
    from core.imaging_code

),

local_code as (

    select
        'LOCAL' as code_system,
        code_map.code,
        code_map.procedure,
        code_map.is_not_breast,
        procedure.default_purpose
    from stg.code_map as code_map
    left join rule.procedure as procedure
        on procedure.procedure = code_map.procedure

),

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
        coalesce(imaging_code.procedure, local_code.procedure) as procedure,
        coalesce(imaging_code.purpose, local_code.default_purpose) as purpose,
        local_code.is_not_breast
    from stg.order_line as order_line
    left join code_span as imaging_code
        on
            imaging_code.code_system = order_line.code_system
            and imaging_code.code = order_line.code
            and imaging_code.read_from <= order_line.ordered_on
            and imaging_code.read_to >= order_line.ordered_on
    left join local_code
        on
            local_code.code_system = order_line.code_system
            and local_code.code = order_line.code

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
