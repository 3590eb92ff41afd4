-- One row per code, type of order and day on which it was ordered and read, of any patient, and what the code reaches (SPEC 5).
-- kind: mapped reaches a procedure; not_breast_code cannot hide a breast exam; unmapped may hide one; null is no imaging.
with

-- Thousands of lines share a row, so that a code is looked up once and not once a line.
written as (

    select
        code_system,
        code,
        order_type,
        ordered_on
    from stg.order_line
    union
    select
        other_order.code_system,
        other_order.code,
        other_order.order_type,
        other_order.ordered_on
    from raw.other_order as other_order
    inner join stg.patient_span as patient_span
        on
            patient_span.patient_id = other_order.patient_id
            and patient_span.as_of >= other_order.ordered_on

),

-- A code is found by equality and an open span of days, never by an "or": so the join is one look-up a row.
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
        written.code_system,
        written.code,
        written.order_type,
        written.ordered_on,
        imaging_code.support,
        imaging_code.requires,
        imaging_code.laterality as code_laterality,
        imaging_code.contrast_assumed,
        imaging_code.valid_from,
        imaging_code.valid_to,
        coalesce(imaging_code.procedure, local_code.procedure) as procedure,
        coalesce(imaging_code.purpose, local_code.default_purpose) as purpose,
        local_code.is_not_breast
    from written
    left join code_span as imaging_code
        on
            imaging_code.code_system = written.code_system
            and imaging_code.code = written.code
            and imaging_code.read_from <= written.ordered_on
            and imaging_code.read_to >= written.ordered_on
    left join local_code
        on
            local_code.code_system = written.code_system
            and local_code.code = written.code

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
    code_system,
    code,
    order_type,
    ordered_on,
    kind,
    case when kind = 'mapped' then procedure end as procedure,
    case kind when 'mapped' then purpose when 'unmapped' then 'diagnostic' end as purpose,
    support,
    requires,
    code_laterality,
    contrast_assumed,
    -- Days of another calendar, or of none, can be held against no span of true days.
    case
        when not parameter.has_calendar then null
        when judged.ordered_on < judged.valid_from or judged.ordered_on > judged.valid_to then true
        else false
    end as is_outside_valid_dates
from judged
cross join stg.parameter as parameter
