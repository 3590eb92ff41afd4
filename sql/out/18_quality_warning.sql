-- One row per kind of doubtful row that was used all the same, with how many there are and why it matters.
with

known_system as (

    select distinct code_system
    from rule.therapy

),

counted as (

    select
        'LAT-' || upper(left(extract_size.extract, 3)) as code,
        extract_size.extract,
        'laterality column contradicts the code' as label,
        count(conflict.row_id) as n_rows,
        min(extract_size.n_rows) as n_total,
        'the code decided; more than a few point to a fault in the extract' as why
    from stg.quarantine_share as extract_size
    left join core.side_conflict as conflict
        on conflict.extract = extract_size.extract
    where extract_size.extract in ('orders', 'diagnoses', 'procedures')
    group by extract_size.extract
    union all
    select
        'DUP-ORD', 'orders', 'exact copies of order lines, dropped',
        count(*) filter (where is_exact_copy), count(*),
        'a delivery that repeats rows may also have lost some'
    from stg.order_read
    union all
    select
        'QUA-' || upper(left(extract, 3)), extract, 'rows in quarantine', n_quarantined, n_rows,
        'rows that could not be read took no part; the table quarantine says where they are and why'
    from stg.quarantine_share
    where n_rows > 0
    union all
    select
        'EMP-' || upper(left(delivery_part.extract, 3)), delivery_part.extract, 'files without a single row',
        count(*), count(*),
        'an export that failed leaves a header alone: what it should have held is missing from every figure'
    from raw.delivery_part as delivery_part
    inner join stg.quarantine_share as extract_size
        on
            extract_size.extract = delivery_part.extract
            and extract_size.n_rows = 0
    group by delivery_part.extract
    union all
    select
        'VAL-ORD', 'orders', 'imaging code used outside its valid dates',
        count(*) filter (where is_outside_valid_dates), count(is_outside_valid_dates),
        'the code kept its one meaning; a catalogue that is years old may also miss new codes'
    from core.imaging_line
    union all
    select
        'CON-ORD', 'orders', 'contrast assumed from a retired MRI code',
        count(*) filter (where contrast_assumed), count(*),
        'the retired codes do not state contrast and are rated as with contrast'
    from out.order_label
    union all
    select
        'AGE-PAT', 'patients', 'age unknown', count(*) filter (where age_unknown), count(*),
        'where no birth year is known, or no true date, nobody is left out for age'
    from out.order_label
    union all
    select
        'INT-THE', 'therapies', 'intent said adjuvant and surgery followed',
        count(*) filter (where is_case and is_intent_conflict), count(*) filter (where is_case),
        'such cases are kept as neoadjuvant: the dates outweigh the word'
    from out.neoadjuvant_case
    union all
    select
        'END-THE', 'therapies', 'therapy ends before it starts',
        count(*) filter (where ended_on < started_on), count(*),
        'only the first day was counted as covered'
    from stg.therapy
    union all
    select
        'SYS-THE', 'therapies', 'drug in a code system of which no drug is known',
        count(*) filter (where known_system.code_system is null), count(*),
        'such rows are no therapy, and the cases that rest on them are missing: deliver RxNorm or HCPCS codes'
    from stg.therapy as therapy
    left join known_system
        on known_system.code_system = therapy.code_system
    union all
    select
        'NEW-ORD', 'orders', 'imaging code first ordered after the value sets were reviewed',
        count(*) filter (where is_newer_than_review), count(*),
        'a new code that reaches nothing may be a new way to image the breast: review the value set'
    from out.unmapped_code
    union all
    select code, extract, label, n_rows, n_total, why
    from raw.delivery_warning

)

select
    code,
    extract,
    label,
    n_rows,
    n_total,
    why
from counted
