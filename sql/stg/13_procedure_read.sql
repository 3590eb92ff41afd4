-- One row per row of procedures as delivered, with its values read and the problems of reading it.
-- Nothing is dropped here: quarantine and the typed table both choose from these rows.
with

-- Few keys repeat: only their rows are compared whole.
repeated_key as (

    select trim(procedure_id) as procedure_id
    from raw.procedures
    where procedure_id is not null
    group by trim(procedure_id)
    having count(*) > 1

),

repeated as (

    -- Exact copies differ in nothing but their place; anything else under one key is a conflict.
    select
        repeated_key.procedure_id,
        count(distinct concat_ws(
            chr(31), coalesce(patient_id, ''),
            coalesce(code_system, ''),
            coalesce(code, ''),
            coalesce(performed_on, ''),
            coalesce(laterality, ''),
            coalesce(site_label, ''),
            coalesce(status, '')
        )) as n_contents,
        min(concat_ws(chr(31), part, lpad(cast(line as varchar), 12, '0'))) as first_place
    from raw.procedures as procedures
    inner join repeated_key
        on repeated_key.procedure_id = trim(procedures.procedure_id)
    group by repeated_key.procedure_id

),

read as (

    select
        procedures.part,
        procedures.line,
        nullif(trim(procedures.procedure_id), '') as procedure_id,
        nullif(trim(procedures.patient_id), '') as patient_id,
        -- CPT is level I of HCPCS and sources use either name for both: the shape of the code tells them apart.
        case
            when code_system.code_system is null then null
            when code_system.code_system not in ('CPT', 'HCPCS') then code_system.code_system
            when regexp_full_match(upper(trim(procedures.code)), '[A-Z][0-9]{4}') then 'HCPCS'
            else 'CPT'
        end as code_system,
        case
            when code_system.code_system like 'ICD%' then replace(upper(trim(procedures.code)), '.', '')
            else upper(trim(procedures.code))
        end as code,
        performed_on_text.day as performed_on,
        laterality_word.word as laterality,
        nullif(trim(procedures.site_label), '') as site_label,
        status_word.word as status,
        nullif(concat_ws(
            ';',
            case
                when coalesce(trim(procedures.procedure_id), '') = ''
                    then 'procedure_id:missing_key'
            end,
            case
                when coalesce(trim(procedures.patient_id), '') = ''
                    then 'patient_id:missing_key'
            end,
            case when code_system.code_system is null then 'code_system:unknown_code_system' end,
            case when coalesce(trim(procedures.code), '') = '' then 'code:missing_key' end,
            case when performed_on_text.day is null then 'performed_on:unreadable_date' end,
            case
                when trim(procedures.laterality) <> '' and laterality_word.word is null
                    then 'laterality:unknown_word'
            end,
            case
                when trim(procedures.status) <> '' and status_word.word is null
                    then 'status:unknown_word'
            end,
            case when repeated.n_contents > 1 then 'procedure_id:duplicate_key' end
        ), '') as problems,
        coalesce(
            repeated.n_contents = 1
            and concat_ws(chr(31), procedures.part, lpad(cast(procedures.line as varchar), 12, '0'))
            <> repeated.first_place,
            false
        ) as is_exact_copy
    from raw.procedures as procedures
    left join rule.code_system as code_system
        on code_system.written = lower(trim(procedures.code_system))
    left join stg.date_text as performed_on_text
        on performed_on_text.written = procedures.performed_on
    left join rule.vocabulary as laterality_word
        on
            laterality_word.vocabulary = 'laterality'
            and laterality_word.word = lower(trim(procedures.laterality))
    left join rule.vocabulary as status_word
        on
            status_word.vocabulary = 'status'
            and status_word.word = lower(trim(procedures.status))
    left join repeated
        on repeated.procedure_id = trim(procedures.procedure_id)

)

select *
from read
