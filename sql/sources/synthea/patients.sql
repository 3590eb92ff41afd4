-- One row per person of Synthea, without name, number, address or full birth date: those columns are never read,
-- but for the birth date, of which only the year is kept, and none that tells an age over 90 at the end of the export.
-- A death ends what is observed of a person.
with

export_end as (

    select max(try_cast(left(start, 4) as integer)) as year
    from source.procedures

),

person as (

    select
        id as patient_id,
        try_cast(left(birthdate, 4) as integer) as birth_year,
        case upper(gender) when 'F' then 'female' when 'M' then 'male' else gender end as sex,
        race,
        ethnicity,
        deathdate as observed_to,
        part,
        line
    from source.patients

)

select
    person.patient_id,
    cast(
        case
            when person.birth_year < export_end.year - 90 then export_end.year - 90
            else person.birth_year
        end as varchar
    ) as birth_year,
    person.sex,
    person.race,
    person.ethnicity,
    person.observed_to,
    person.part,
    person.line
from person
cross join export_end
