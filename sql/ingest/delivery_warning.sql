-- One row per thing about the person keys that a reader of the delivery should know before trusting its de-identification.
-- A salted hash is neither a short number nor one of a row of numbers; the gate cannot prove it, so it warns.
with

person as (

    select distinct
        patient_id,
        try_cast(regexp_extract(patient_id, '([0-9]{1,15})$', 1) as bigint) as number,
        regexp_full_match(trim(patient_id), '[0-9]{5,10}') as is_like_record_number
    from raw.diagnoses
    where patient_id is not null

),

key_count as (

    select
        count(*) as n_keys,
        count(number) as n_numbered,
        count(*) filter (where is_like_record_number) as n_like_record_number,
        count(distinct number) as n_numbers,
        max(number) - min(number) + 1 as number_span
    from person

)

select
    'ID-60' as code,
    'diagnoses' as extract,
    'person keys look numbered one after the other' as label,
    n_numbered as n_rows,
    n_keys as n_total,
    'a running number can lead back to the source: a salted hash cannot' as why
from key_count
where n_keys >= 20 and n_numbered > 0.9 * n_keys and number_span < 2 * n_numbers
union all
select
    'ID-61' as code,
    'diagnoses' as extract,
    'person keys look like record numbers' as label,
    n_like_record_number as n_rows,
    n_keys as n_total,
    'a record number identifies its patient: a salted hash does not' as why
from key_count
where n_keys >= 20 and n_like_record_number > 0.5 * n_keys and number_span >= 2 * n_numbers
