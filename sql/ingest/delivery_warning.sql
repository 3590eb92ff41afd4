-- One row per thing about the keys that a reader of the delivery should know before trusting its de-identification.
-- A salted hash is neither a short number nor one of a row of numbers; the gate cannot prove it, so it warns.
with

key_text as (

    select distinct 'diagnoses' as extract, 'person keys' as keys, patient_id as key from raw.diagnoses
    union all
    select distinct 'orders', 'accession ids', accession_id from raw.orders
    union all
    select distinct 'orders', 'provider keys', ordering_provider_id from raw.orders

),

key_number as (

    select
        extract,
        keys,
        try_cast(regexp_extract(key, '([0-9]{1,15})\s*$', 1) as bigint) as number,
        regexp_full_match(trim(key), '[A-Za-z]{0,3}[-_]?[0-9]{5,10}') as is_like_record_number
    from key_text
    where trim(key) <> ''

),

key_count as (

    select
        extract,
        keys,
        count(*) as n_keys,
        count(number) as n_numbered,
        count(*) filter (where is_like_record_number) as n_like_record_number,
        count(distinct number) as n_numbers,
        max(number) - min(number) + 1 as number_span
    from key_number
    group by extract, keys

)

select
    case keys when 'person keys' then 'ID-60' when 'accession ids' then 'ID-62' else 'ID-64' end as code,
    extract,
    keys || ' look numbered one after the other' as label,
    n_numbered as n_rows,
    n_keys as n_total,
    'a running number can lead back to the source: a salted hash cannot' as why
from key_count
where n_keys >= 20 and n_numbered > 0.9 * n_keys and number_span < 2 * n_numbers
union all
select
    case keys when 'person keys' then 'ID-61' when 'accession ids' then 'ID-63' else 'ID-65' end as code,
    extract,
    keys || ' look like record numbers' as label,
    n_like_record_number as n_rows,
    n_keys as n_total,
    'a number of the source identifies what it numbers: a salted hash does not' as why
from key_count
where n_keys >= 20 and n_like_record_number > 0.5 * n_keys and number_span >= 2 * n_numbers
