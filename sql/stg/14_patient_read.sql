-- One row per row of patients as delivered, with its values read and the problems of reading it.
-- Nothing is dropped here: quarantine and the typed table both choose from these rows.
with

-- Few keys repeat: only their rows are compared whole.
repeated_key as (

    select trim(patient_id) as patient_id
    from raw.patients
    where patient_id is not null
    group by trim(patient_id)
    having count(*) > 1

),

repeated as (

    -- Exact copies differ in nothing but their place; anything else under one key is a conflict.
    select
        repeated_key.patient_id,
        count(distinct concat_ws(
            chr(31), coalesce(birth_year, ''),
            coalesce(sex, ''),
            coalesce(gender_identity, ''),
            coalesce(race, ''),
            coalesce(ethnicity, ''),
            coalesce(breast_density, ''),
            coalesce(observed_to, '')
        )) as n_contents,
        min(concat_ws(chr(31), part, lpad(cast(line as varchar), 12, '0'))) as first_place
    from raw.patients as patients
    inner join repeated_key
        on repeated_key.patient_id = trim(patients.patient_id)
    group by repeated_key.patient_id

),

read as (

    select
        patients.part,
        patients.line,
        nullif(trim(patients.patient_id), '') as patient_id,
        case
            when regexp_full_match(trim(patients.birth_year), '[0-9]{1,4}([.]0+)?')
                then try_cast(regexp_replace(trim(patients.birth_year), '[.]0+$', '') as integer)
        end as birth_year,
        nullif(lower(trim(patients.sex)), '') as sex,
        nullif(lower(trim(patients.gender_identity)), '') as gender_identity,
        nullif(trim(patients.race), '') as race,
        nullif(trim(patients.ethnicity), '') as ethnicity,
        nullif(lower(trim(patients.breast_density)), '') as breast_density,
        observed_to_text.day as observed_to,
        nullif(concat_ws(
            ';',
            case
                when coalesce(trim(patients.patient_id), '') = ''
                    then 'patient_id:missing_key'
            end,
            case
                when trim(patients.birth_year) <> ''
                    and not regexp_full_match(trim(patients.birth_year), '[0-9]{1,4}([.]0+)?')
                    then 'birth_year:unreadable_number'
            end,
            case
                when trim(patients.observed_to) <> '' and observed_to_text.day is null
                    then 'observed_to:unreadable_date'
            end,
            case when repeated.n_contents > 1 then 'patient_id:duplicate_key' end
        ), '') as problems,
        coalesce(
            repeated.n_contents = 1
            and concat_ws(chr(31), patients.part, lpad(cast(patients.line as varchar), 12, '0'))
            <> repeated.first_place,
            false
        ) as is_exact_copy
    from raw.patients as patients
    left join stg.date_text as observed_to_text
        on observed_to_text.written = patients.observed_to
    left join repeated
        on repeated.patient_id = trim(patients.patient_id)

)

select *
from read
