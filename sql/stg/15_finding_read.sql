-- One row per row of findings as delivered, with its values read and the problems of reading it.
-- Nothing is dropped here: quarantine and the typed table both choose from these rows.
with

-- Few keys repeat: only their rows are compared whole.
repeated_key as (

    select trim(finding_id) as finding_id
    from raw.findings
    where finding_id is not null
    group by trim(finding_id)
    having count(*) > 1

),

repeated as (

    -- Exact copies differ in nothing but their place; anything else under one key is a conflict.
    select
        repeated_key.finding_id,
        count(distinct concat_ws(
            chr(31), coalesce(patient_id, ''),
            coalesce(reported_on, ''),
            coalesce(finding, ''),
            coalesce(order_id, ''),
            coalesce(laterality, ''),
            coalesce(site_label, ''),
            coalesce(size_mm, '')
        )) as n_contents,
        min(concat_ws(chr(31), part, lpad(cast(line as varchar), 12, '0'))) as first_place
    from raw.findings as findings
    inner join repeated_key
        on repeated_key.finding_id = trim(findings.finding_id)
    group by repeated_key.finding_id

),

read as (

    select
        findings.part,
        findings.line,
        nullif(trim(findings.finding_id), '') as finding_id,
        nullif(trim(findings.patient_id), '') as patient_id,
        reported_on_text.day as reported_on,
        finding_word.word as finding,
        nullif(trim(findings.order_id), '') as order_id,
        laterality_word.word as laterality,
        nullif(trim(findings.site_label), '') as site_label,
        try_cast(trim(findings.size_mm) as double) as size_mm,
        nullif(concat_ws(
            ';',
            case
                when coalesce(trim(findings.finding_id), '') = ''
                    then 'finding_id:missing_key'
            end,
            case
                when coalesce(trim(findings.patient_id), '') = ''
                    then 'patient_id:missing_key'
            end,
            case when reported_on_text.day is null then 'reported_on:unreadable_date' end,
            case when finding_word.word is null then 'finding:unknown_word' end,
            case
                when trim(findings.laterality) <> '' and laterality_word.word is null
                    then 'laterality:unknown_word'
            end,
            case
                when trim(findings.size_mm) <> ''
                    and try_cast(trim(findings.size_mm) as double) is null
                    then 'size_mm:unreadable_number'
            end,
            case when repeated.n_contents > 1 then 'finding_id:duplicate_key' end
        ), '') as problems,
        coalesce(
            repeated.n_contents = 1
            and concat_ws(chr(31), findings.part, lpad(cast(findings.line as varchar), 12, '0'))
            <> repeated.first_place,
            false
        ) as is_exact_copy
    from raw.findings as findings
    left join stg.date_text as reported_on_text
        on reported_on_text.written = findings.reported_on
    left join rule.vocabulary as finding_word
        on
            finding_word.vocabulary = 'finding'
            and finding_word.word = lower(trim(findings.finding))
    left join rule.vocabulary as laterality_word
        on
            laterality_word.vocabulary = 'laterality'
            and laterality_word.word = lower(trim(findings.laterality))
    left join repeated
        on repeated.finding_id = trim(findings.finding_id)

)

select *
from read
