-- One row per same-day CT or MRI of chest, abdomen and pelvis in one contrast state: its lines are one exam (SPEC 5).
-- Lines that are cancelled, guidance or unmapped take no part.
with

body_line as (

    select
        case_line.case_id,
        case_line.clock_on,
        case_line.purpose,
        case_line.order_id,
        procedure.merge_modality,
        procedure.contrast,
        procedure.covers_chest,
        procedure.covers_abdomen,
        procedure.covers_pelvis
    from core.case_line as case_line
    inner join rule.procedure as procedure
        on procedure.procedure = case_line.procedure
    where
        case_line.is_exam_line
        and case_line.case_id is not null
        and procedure.merge_modality is not null

),

whole as (

    select
        case_id,
        clock_on,
        purpose,
        merge_modality,
        contrast
    from body_line
    group by case_id, clock_on, purpose, merge_modality, contrast
    having bool_or(covers_chest) and bool_or(covers_abdomen) and bool_or(covers_pelvis)

)

select
    body_line.order_id,
    merge.procedure
from whole
inner join body_line
    on
        body_line.case_id = whole.case_id
        and body_line.clock_on = whole.clock_on
        and body_line.purpose = whole.purpose
        and body_line.merge_modality = whole.merge_modality
        and body_line.contrast = whole.contrast
inner join rule.merge as merge
    on
        merge.merge_modality = whole.merge_modality
        and merge.contrast = whole.contrast
