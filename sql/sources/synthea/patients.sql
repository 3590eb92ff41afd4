-- One row per person of Synthea, without name, number, address or full birth date: those columns are never read,
-- but for the birth date, of which only the year is kept. A death ends what is observed of a person.
-- Outside a limited data set, a year that tells an age over 89 at the end of the export becomes unknown. Raising it
-- to the limit, as top-coding does, would make children of people whose records reach back for decades.
with

export_end as (

    select max(try_cast(left(start, 4) as integer)) as year
    from delivered.procedures

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
    from delivered.patients

)

select
    person.patient_id,
    case
        when run.deid_mode = 'limited_data_set' or person.birth_year >= export_end.year - 90
            then cast(person.birth_year as varchar)
    end as birth_year,
    person.sex,
    person.race,
    person.ethnicity,
    person.observed_to,
    person.part,
    person.line
from person
cross join export_end
cross join rule.run as run
