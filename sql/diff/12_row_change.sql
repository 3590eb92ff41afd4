-- One row per id of an extract that only one of the runs has (new, gone), or that says something else in the later (corrected).
with

earlier_id as (

    select * from diff.delivered_id where run = 'earlier'

),

later_id as (

    select * from diff.delivered_id where run = 'later'

)

select
    later_id.extract,
    later_id.row_id,
    case when earlier_id.row_id is null then 'new' else 'corrected' end as change,
    earlier_id.patient_id as earlier_patient_id,
    later_id.patient_id as later_patient_id
from later_id
left join earlier_id
    on
        earlier_id.extract = later_id.extract
        and earlier_id.row_id = later_id.row_id
where earlier_id.row_id is null or earlier_id.content <> later_id.content
union all
select
    earlier_id.extract,
    earlier_id.row_id,
    'gone' as change,
    earlier_id.patient_id as earlier_patient_id,
    null as later_patient_id
from earlier_id
left join later_id
    on
        later_id.extract = earlier_id.extract
        and later_id.row_id = earlier_id.row_id
where later_id.row_id is null
