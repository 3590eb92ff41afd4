-- One row per way in which a neoadjuvant case was gained or lost: why it is none in the other run, and how many.
-- Cases go by case_id; where an earlier cancer of a person appears, the later ones are renumbered and read as lost and gained.
with

person as (

    select 'earlier' as run, patient_id from earlier.stg.patient_span
    union all
    select 'later', patient_id from later.stg.patient_span

),

moved as (

    select
        case cancer.run when 'later' then 'gained' else 'lost' end as change,
        cancer.patient_id,
        case
            when other.case_id is not null then other.not_case_reason
            when person.patient_id is not null then 'cancer_not_known'
            else 'person_not_delivered'
        end as other_reason
    from diff.cancer as cancer
    left join diff.cancer as other
        on
            other.case_id = cancer.case_id
            and other.run <> cancer.run
    left join person
        on
            person.patient_id = cancer.patient_id
            and person.run <> cancer.run
    where cancer.is_case and (other.case_id is null or not other.is_case)

)

select
    moved.change,
    moved.other_reason,
    count(*) as n_cases,
    count(*) filter (where touched_patient.patient_id is not null) as n_touched
from moved
left join diff.touched_patient as touched_patient
    on touched_patient.patient_id = moved.patient_id
group by moved.change, moved.other_reason
