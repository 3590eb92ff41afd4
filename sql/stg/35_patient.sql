-- One row per person that the delivery describes.
select
    part,
    line,
    patient_id,
    birth_year,
    sex,
    gender_identity,
    race,
    ethnicity,
    breast_density,
    observed_to
from stg.patient_read
where problems is null and not is_exact_copy
