-- One row per row of diagnoses as delivered, with its values read and the problems of reading it.
-- Nothing is dropped here: quarantine and the typed table both choose from these rows.
with

-- Few keys repeat: only their rows are compared whole.
repeated_key as (

    select trim(diagnosis_id) as diagnosis_id
    from raw.diagnoses
    where diagnosis_id is not null
    group by trim(diagnosis_id)
    having count(*) > 1

),

repeated as (

    -- Exact copies differ in nothing but their place; anything else under one key is a conflict.
    select
        repeated_key.diagnosis_id,
        count(distinct concat_ws(
            chr(31), coalesce(patient_id, ''),
            coalesce(code_system, ''),
            coalesce(code, ''),
            coalesce(diagnosed_on, ''),
            coalesce(laterality, ''),
            coalesce(nodal_status, '')
        )) as n_contents,
        min(concat_ws(chr(31), part, lpad(cast(line as varchar), 12, '0'))) as first_place
    from raw.diagnoses as diagnoses
    inner join repeated_key
        on repeated_key.diagnosis_id = trim(diagnoses.diagnosis_id)
    group by repeated_key.diagnosis_id

),

read as (

    select
        diagnoses.part,
        diagnoses.line,
        nullif(trim(diagnoses.diagnosis_id), '') as diagnosis_id,
        nullif(trim(diagnoses.patient_id), '') as patient_id,
        -- CPT is level I of HCPCS and sources use either name for both: the shape of the code tells them apart.
        case
            when code_system.code_system is null then null
            when code_system.code_system not in ('CPT', 'HCPCS') then code_system.code_system
            when regexp_full_match(upper(trim(diagnoses.code)), '[A-Z][0-9]{4}') then 'HCPCS'
            else 'CPT'
        end as code_system,
        case
            when code_system.code_system like 'ICD%' then replace(upper(trim(diagnoses.code)), '.', '')
            else upper(trim(diagnoses.code))
        end as code,
        diagnosed_on_text.day as diagnosed_on,
        laterality_word.word as laterality,
        nodal_status_word.word as nodal_status,
        nullif(concat_ws(
            ';',
            case
                when coalesce(trim(diagnoses.diagnosis_id), '') = ''
                    then 'diagnosis_id:missing_key'
            end,
            case
                when coalesce(trim(diagnoses.patient_id), '') = ''
                    then 'patient_id:missing_key'
            end,
            case when code_system.code_system is null then 'code_system:unknown_code_system' end,
            case when coalesce(trim(diagnoses.code), '') = '' then 'code:missing_key' end,
            case when diagnosed_on_text.day is null then 'diagnosed_on:unreadable_date' end,
            case
                when trim(diagnoses.laterality) <> '' and laterality_word.word is null
                    then 'laterality:unknown_word'
            end,
            case
                when trim(diagnoses.nodal_status) <> '' and nodal_status_word.word is null
                    then 'nodal_status:unknown_word'
            end,
            case when repeated.n_contents > 1 then 'diagnosis_id:duplicate_key' end
        ), '') as problems,
        coalesce(
            repeated.n_contents = 1
            and concat_ws(chr(31), diagnoses.part, lpad(cast(diagnoses.line as varchar), 12, '0'))
            <> repeated.first_place,
            false
        ) as is_exact_copy
    from raw.diagnoses as diagnoses
    left join rule.code_system as code_system
        on code_system.written = lower(trim(diagnoses.code_system))
    left join stg.date_text as diagnosed_on_text
        on diagnosed_on_text.written = diagnoses.diagnosed_on
    left join rule.vocabulary as laterality_word
        on
            laterality_word.vocabulary = 'laterality'
            and laterality_word.word = lower(trim(diagnoses.laterality))
    left join rule.vocabulary as nodal_status_word
        on
            nodal_status_word.vocabulary = 'nodal_status'
            and nodal_status_word.word = lower(trim(diagnoses.nodal_status))
    left join repeated
        on repeated.diagnosis_id = trim(diagnoses.diagnosis_id)

)

select *
from read
