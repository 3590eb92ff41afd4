-- One row per row of therapies as delivered, with its values read and the problems of reading it.
-- Nothing is dropped here: quarantine and the typed table both choose from these rows.
with

-- Few keys repeat: only their rows are compared whole.
repeated_key as (

    select trim(therapy_id) as therapy_id
    from raw.therapies
    where therapy_id is not null
    group by trim(therapy_id)
    having count(*) > 1

),

repeated as (

    -- Exact copies differ in nothing but their place; anything else under one key is a conflict.
    select
        repeated_key.therapy_id,
        count(distinct concat_ws(
            chr(31), coalesce(patient_id, ''),
            coalesce(code_system, ''),
            coalesce(code, ''),
            coalesce(started_on, ''),
            coalesce(ended_on, ''),
            coalesce(days_supply, ''),
            coalesce(intent, ''),
            coalesce(status, '')
        )) as n_contents,
        min(concat_ws(chr(31), part, lpad(cast(line as varchar), 12, '0'))) as first_place
    from raw.therapies as therapies
    inner join repeated_key
        on repeated_key.therapy_id = trim(therapies.therapy_id)
    group by repeated_key.therapy_id

),

read as (

    select
        therapies.part,
        therapies.line,
        nullif(trim(therapies.therapy_id), '') as therapy_id,
        nullif(trim(therapies.patient_id), '') as patient_id,
        -- CPT is level I of HCPCS and sources use either name for both: the shape of the code tells them apart.
        case
            when code_system.code_system is null then null
            when code_system.code_system not in ('CPT', 'HCPCS') then code_system.code_system
            when regexp_full_match(upper(trim(therapies.code)), '[A-Z][0-9]{4}') then 'HCPCS'
            else 'CPT'
        end as code_system,
        case
            when code_system.code_system like 'ICD%' then replace(upper(trim(therapies.code)), '.', '')
            else upper(trim(therapies.code))
        end as code,
        started_on_text.day as started_on,
        ended_on_text.day as ended_on,
        -- A whole number of days, and no more than a life has: more would be added to a date that ends before it.
        case
            when regexp_full_match(trim(therapies.days_supply), '[+-]?[0-9]{1,5}([.]0+)?')
                then try_cast(regexp_replace(trim(therapies.days_supply), '[.]0+$', '') as integer)
        end as days_supply,
        intent_word.word as intent,
        status_word.word as status,
        nullif(concat_ws(
            ';',
            case
                when coalesce(trim(therapies.therapy_id), '') = ''
                    then 'therapy_id:missing_key'
            end,
            case
                when coalesce(trim(therapies.patient_id), '') = ''
                    then 'patient_id:missing_key'
            end,
            case when code_system.code_system is null then 'code_system:unknown_code_system' end,
            case when coalesce(trim(therapies.code), '') = '' then 'code:missing_key' end,
            case when started_on_text.day is null then 'started_on:unreadable_date' end,
            case
                when trim(therapies.ended_on) <> '' and ended_on_text.day is null
                    then 'ended_on:unreadable_date'
            end,
            case
                when trim(therapies.days_supply) <> ''
                    and not regexp_full_match(trim(therapies.days_supply), '[+-]?[0-9]{1,5}([.]0+)?')
                    then 'days_supply:unreadable_number'
            end,
            case
                when trim(therapies.intent) <> '' and intent_word.word is null
                    then 'intent:unknown_word'
            end,
            case
                when trim(therapies.status) <> '' and status_word.word is null
                    then 'status:unknown_word'
            end,
            case when repeated.n_contents > 1 then 'therapy_id:duplicate_key' end
        ), '') as problems,
        coalesce(
            repeated.n_contents = 1
            and concat_ws(chr(31), therapies.part, lpad(cast(therapies.line as varchar), 12, '0'))
            <> repeated.first_place,
            false
        ) as is_exact_copy
    from raw.therapies as therapies
    left join rule.code_system as code_system
        on code_system.written = lower(trim(therapies.code_system))
    left join stg.date_text as started_on_text
        on started_on_text.written = therapies.started_on
    left join stg.date_text as ended_on_text
        on ended_on_text.written = therapies.ended_on
    left join rule.vocabulary as intent_word
        on
            intent_word.vocabulary = 'intent'
            and intent_word.word = lower(trim(therapies.intent))
    left join rule.vocabulary as status_word
        on
            status_word.vocabulary = 'status'
            and status_word.word = lower(trim(therapies.status))
    left join repeated
        on repeated.therapy_id = trim(therapies.therapy_id)

)

select *
from read
