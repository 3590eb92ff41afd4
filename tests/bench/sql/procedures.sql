-- One row per procedure of a person without breast cancer, as text; n counts them.
select
    n,
    anew('x', 'procedure', n) as procedure_id,
    anew('p', 'person', part(n, 'person', $n_persons)) as patient_id,
    mix.code_system,
    mix.code,
    written(n, 'performed', 0) as performed_on,
    case part(n, 'side', 4) when 0 then 'left' when 1 then 'right' end as laterality,
    null as site_label,
    'completed' as status
from other
inner join slot as mix
    on mix.extract = 'procedures' and mix.number = part(n, 'code', 1000)
