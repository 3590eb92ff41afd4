-- One row per patient, day and side of a biopsy, clip or localisation of breast or axilla (router row 5).
-- Rows that are planned count too; cancelled ones do not. Codes for any body site prove nothing (DECISIONS 11).
with

biopsy_row as (

    select
        'procedures' as extract,
        procedure.procedure_id as row_id,
        procedure.patient_id,
        procedure.performed_on as day,
        procedure.code_system,
        procedure.code,
        procedure.laterality,
        procedure.site_label
    from stg.procedure as procedure
    where procedure.status is null or procedure.status not in ('cancelled', 'entered_in_error')
    union all
    select
        'orders' as extract,
        order_line.order_id as row_id,
        order_line.patient_id,
        order_line.event_on as day,
        order_line.code_system,
        order_line.code,
        coalesce(order_line.laterality, modifier_side.laterality) as laterality,
        null as site_label
    from stg.order_line as order_line
    left join stg.modifier_side as modifier_side
        on modifier_side.modifiers = order_line.modifiers
    where order_line.status is null or order_line.status not in ('cancelled', 'entered_in_error')

),

sided as (

    select
        biopsy_row.patient_id,
        biopsy_row.day,
        biopsy_row.extract,
        biopsy_row.row_id,
        biopsy.kind,
        biopsy.target,
        biopsy.places_marker,
        coalesce(biopsy.laterality, biopsy_row.laterality) as laterality,
        biopsy_row.site_label
    from biopsy_row
    inner join core.cancer_patient as cancer_patient
        on cancer_patient.patient_id = biopsy_row.patient_id
    inner join core.biopsy_code as biopsy
        on
            biopsy.code_system = biopsy_row.code_system
            and biopsy.code = biopsy_row.code
    -- An order whose own reasons say that it is of another body part (DECISIONS 119).
    left join core.case_line as elsewhere
        on
            elsewhere.order_id = biopsy_row.row_id
            and biopsy_row.extract = 'orders'
            and not elsewhere.is_as_named
    where
        elsewhere.order_id is null
        and biopsy.kind in ('biopsy', 'clip', 'localisation')
        and biopsy.target in ('breast', 'axilla')

)

select
    patient_id,
    day,
    extract,
    row_id,
    kind,
    target,
    places_marker,
    laterality is not null and laterality in ('left', 'bilateral') as is_left,
    laterality is not null and laterality in ('right', 'bilateral') as is_right,
    laterality is null or laterality in ('left', 'bilateral') as may_be_left,
    laterality is null or laterality in ('right', 'bilateral') as may_be_right,
    site_label
from sided
