-- One row per row of a series that a later delivery supersedes, because its key came again there.
-- Keys are compared trimmed. A row without one is never superseded, and within one delivery nothing is: there SPEC 1
-- tells copies from conflicts. A code map is superseded as a whole.
with

row_key as (

    select 'orders' as extract, trim(order_id) as row_id, patient_id, part, line
    from delivered.orders
    union all
    select 'diagnoses', trim(diagnosis_id), patient_id, part, line from delivered.diagnoses
    union all
    select 'therapies', trim(therapy_id), patient_id, part, line from delivered.therapies
    union all
    select 'procedures', trim(procedure_id), patient_id, part, line from delivered.procedures
    union all
    select 'patients', trim(patient_id), patient_id, part, line from delivered.patients
    union all
    select 'findings', trim(finding_id), patient_id, part, line from delivered.findings

),

came as (

    select
        row_key.extract,
        row_key.row_id,
        row_key.patient_id,
        row_key.part,
        row_key.line,
        delivery_part.delivery,
        delivery_part.series_place
    from row_key
    inner join raw.delivery_part as delivery_part
        on
            delivery_part.extract = row_key.extract
            and delivery_part.part = row_key.part
    where row_key.row_id <> ''

),

latest as (

    select
        extract,
        row_id,
        max(series_place) as series_place
    from came
    group by extract, row_id

),

latest_map as (

    select max(series_place) as series_place
    from raw.delivery_part
    where extract = 'code_map'

),

delivery as (

    select distinct
        delivery,
        series_place
    from raw.delivery_part

)

select
    came.extract,
    came.row_id,
    came.patient_id,
    came.part,
    came.line,
    came.delivery,
    delivery.delivery as superseded_by
from came
inner join latest
    on
        latest.extract = came.extract
        and latest.row_id = came.row_id
        and latest.series_place > came.series_place
inner join delivery
    on delivery.series_place = latest.series_place
union all
select
    'code_map' as extract,
    null as row_id,
    null as patient_id,
    code_map.part,
    code_map.line,
    delivery_part.delivery,
    delivery.delivery as superseded_by
from delivered.code_map as code_map
inner join raw.delivery_part as delivery_part
    on
        delivery_part.extract = 'code_map'
        and delivery_part.part = code_map.part
inner join latest_map
    on latest_map.series_place > delivery_part.series_place
inner join delivery
    on delivery.series_place = latest_map.series_place
