-- One row per person without breast cancer, as text; n counts them.
select
    n,
    anew('p', 'person', n) as patient_id,
    cast(1936 + part(n, 'born', 70) as varchar) as birth_year,
    case part(n, 'sex', 2) when 0 then 'female' else 'male' end as sex,
    null as gender_identity,
    case part(n, 'race', 8) when 0 then 'black' when 1 then 'asian' else 'white' end as race,
    case part(n, 'ethnicity', 6) when 0 then 'hispanic' else 'not_hispanic' end as ethnicity,
    null as breast_density,
    null as observed_to
from other
