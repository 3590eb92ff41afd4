-- One row per row of orders as delivered, with its values read and the problems of reading it.
-- Nothing is dropped here: quarantine and the typed table both choose from these rows.
with

-- Few keys repeat: only their rows are compared whole.
repeated_key as (

    select trim(order_id) as order_id
    from raw.orders
    where order_id is not null
    group by trim(order_id)
    having count(*) > 1

),

repeated as (

    -- Exact copies differ in nothing but their place; anything else under one key is a conflict.
    select
        repeated_key.order_id,
        count(distinct concat_ws(
            chr(31), coalesce(patient_id, ''),
            coalesce(ordered_on, ''),
            coalesce(code_system, ''),
            coalesce(code, ''),
            coalesce(order_type, ''),
            coalesce(status, ''),
            coalesce(scheduled_on, ''),
            coalesce(performed_on, ''),
            coalesce(laterality, ''),
            coalesce(accession_id, ''),
            coalesce(modifiers, ''),
            coalesce(reason_codes, ''),
            coalesce(context, ''),
            coalesce(ordering_provider_id, ''),
            coalesce(site_id, ''),
            coalesce(payer, '')
        )) as n_contents,
        min(concat_ws(chr(31), part, lpad(cast(line as varchar), 12, '0'))) as first_place
    from raw.orders as orders
    inner join repeated_key
        on repeated_key.order_id = trim(orders.order_id)
    group by repeated_key.order_id

),

unknown_context as (

    select distinct context
    from stg.context_text
    where word is null

),

read as (

    select
        orders.part,
        orders.line,
        nullif(trim(orders.order_id), '') as order_id,
        nullif(trim(orders.patient_id), '') as patient_id,
        ordered_on_text.day as ordered_on,
        -- CPT is level I of HCPCS and sources use either name for both: the shape of the code tells them apart.
        case
            when code_system.code_system is null then null
            when code_system.code_system not in ('CPT', 'HCPCS') then code_system.code_system
            when regexp_full_match(upper(trim(orders.code)), '[A-Z][0-9]{4}') then 'HCPCS'
            else 'CPT'
        end as code_system,
        case
            when code_system.code_system like 'ICD%' then replace(upper(trim(orders.code)), '.', '')
            else upper(trim(orders.code))
        end as code,
        order_type_word.word as order_type,
        status_word.word as status,
        scheduled_on_text.day as scheduled_on,
        performed_on_text.day as performed_on,
        laterality_word.word as laterality,
        nullif(trim(orders.accession_id), '') as accession_id,
        upper(orders.modifiers) as modifiers,
        orders.reason_codes,
        orders.context,
        nullif(trim(orders.ordering_provider_id), '') as ordering_provider_id,
        nullif(trim(orders.site_id), '') as site_id,
        nullif(trim(orders.payer), '') as payer,
        nullif(concat_ws(
            ';',
            case when coalesce(trim(orders.order_id), '') = '' then 'order_id:missing_key' end,
            case when coalesce(trim(orders.patient_id), '') = '' then 'patient_id:missing_key' end,
            case when ordered_on_text.day is null then 'ordered_on:unreadable_date' end,
            case when code_system.code_system is null then 'code_system:unknown_code_system' end,
            case when coalesce(trim(orders.code), '') = '' then 'code:missing_key' end,
            case
                when trim(orders.order_type) <> '' and order_type_word.word is null
                    then 'order_type:unknown_word'
            end,
            case
                when trim(orders.status) <> '' and status_word.word is null
                    then 'status:unknown_word'
            end,
            case
                when trim(orders.scheduled_on) <> '' and scheduled_on_text.day is null
                    then 'scheduled_on:unreadable_date'
            end,
            case
                when trim(orders.performed_on) <> '' and performed_on_text.day is null
                    then 'performed_on:unreadable_date'
            end,
            case
                when trim(orders.laterality) <> '' and laterality_word.word is null
                    then 'laterality:unknown_word'
            end,
            case when unknown_context.context is not null then 'context:unknown_word' end,
            case when repeated.n_contents > 1 then 'order_id:duplicate_key' end
        ), '') as problems,
        coalesce(
            repeated.n_contents = 1
            and concat_ws(chr(31), orders.part, lpad(cast(orders.line as varchar), 12, '0'))
            <> repeated.first_place,
            false
        ) as is_exact_copy
    from raw.orders as orders
    left join stg.date_text as ordered_on_text
        on ordered_on_text.written = orders.ordered_on
    left join rule.code_system as code_system
        on code_system.written = lower(trim(orders.code_system))
    left join rule.vocabulary as order_type_word
        on
            order_type_word.vocabulary = 'order_type'
            and order_type_word.word = lower(trim(orders.order_type))
    left join rule.vocabulary as status_word
        on
            status_word.vocabulary = 'status'
            and status_word.word = lower(trim(orders.status))
    left join stg.date_text as scheduled_on_text
        on scheduled_on_text.written = orders.scheduled_on
    left join stg.date_text as performed_on_text
        on performed_on_text.written = orders.performed_on
    left join rule.vocabulary as laterality_word
        on
            laterality_word.vocabulary = 'laterality'
            and laterality_word.word = lower(trim(orders.laterality))
    left join unknown_context
        on unknown_context.context = orders.context
    left join repeated
        on repeated.order_id = trim(orders.order_id)

)

select *
from read
