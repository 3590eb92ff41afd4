-- One row per patient, day and tracer dose: PET codes and 78800 do not name their tracer, the dose does (DECISIONS 9).
with

dose_row as (

    select
        order_line.patient_id,
        order_line.event_on as day,
        order_line.code_system,
        order_line.code,
        order_line.order_id as row_id
    from stg.order_line as order_line
    where order_line.status is null or order_line.status not in ('cancelled', 'entered_in_error')
    union all
    select
        procedure.patient_id,
        procedure.performed_on as day,
        procedure.code_system,
        procedure.code,
        procedure.procedure_id as row_id
    from stg.procedure as procedure
    where procedure.status is null or procedure.status not in ('cancelled', 'entered_in_error')

)

select
    dose_row.patient_id,
    dose_row.day,
    imaging_code.support as dose,
    min(dose_row.row_id) as dose_id
from dose_row
inner join core.imaging_code as imaging_code
    on
        imaging_code.code_system = dose_row.code_system
        and imaging_code.code = dose_row.code
inner join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = dose_row.patient_id
where imaging_code.support in ('fdg_dose', 'other_pet_dose', 'sestamibi_dose')
group by dose_row.patient_id, dose_row.day, imaging_code.support
