-- One row per diagnosis of a person without breast cancer, as text; n counts them.
select
    n,
    anew('d', 'diagnosis', n) as diagnosis_id,
    anew('p', 'person', n % $n_persons) as patient_id,
    mix.code_system,
    mix.code,
    written(n, 'diagnosed', 0) as diagnosed_on,
    null as laterality,
    null as nodal_status
from other
inner join slot as mix
    on mix.extract = 'diagnoses' and mix.number = part(n, 'code', 1000)
