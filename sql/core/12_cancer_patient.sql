-- One row per patient with an invasive breast cancer: whoever is not here cannot have a case.
select distinct patient_id
from core.cancer
