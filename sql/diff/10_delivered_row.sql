-- One row per row of a delivery as the runs `earlier` and `later` read it: its id, its person, its content as one number.
-- By name, so that a column which only one of the two contracts knows is an empty one for the other and no correction.
with

orders as (

    select 'earlier' as run, * from earlier.raw.orders
    union all by name
    select 'later' as run, * from later.raw.orders

),

diagnoses as (

    select 'earlier' as run, * from earlier.raw.diagnoses
    union all by name
    select 'later' as run, * from later.raw.diagnoses

),

therapies as (

    select 'earlier' as run, * from earlier.raw.therapies
    union all by name
    select 'later' as run, * from later.raw.therapies

),

procedures as (

    select 'earlier' as run, * from earlier.raw.procedures
    union all by name
    select 'later' as run, * from later.raw.procedures

),

patients as (

    select 'earlier' as run, * from earlier.raw.patients
    union all by name
    select 'later' as run, * from later.raw.patients

),

findings as (

    select 'earlier' as run, * from earlier.raw.findings
    union all by name
    select 'later' as run, * from later.raw.findings

)

select
    run,
    'orders' as extract,
    trim(order_id) as id,
    trim(patient_id) as patient_id,
    hash(*columns(* exclude (run, part, line))) as content
from orders
union all
select
    run,
    'diagnoses' as extract,
    trim(diagnosis_id) as id,
    trim(patient_id) as patient_id,
    hash(*columns(* exclude (run, part, line))) as content
from diagnoses
union all
select
    run,
    'therapies' as extract,
    trim(therapy_id) as id,
    trim(patient_id) as patient_id,
    hash(*columns(* exclude (run, part, line))) as content
from therapies
union all
select
    run,
    'procedures' as extract,
    trim(procedure_id) as id,
    trim(patient_id) as patient_id,
    hash(*columns(* exclude (run, part, line))) as content
from procedures
union all
select
    run,
    'patients' as extract,
    trim(patient_id) as id,
    trim(patient_id) as patient_id,
    hash(*columns(* exclude (run, part, line))) as content
from patients
union all
select
    run,
    'findings' as extract,
    trim(finding_id) as id,
    trim(patient_id) as patient_id,
    hash(*columns(* exclude (run, part, line))) as content
from findings
