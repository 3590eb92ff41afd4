-- One row per drug of a person without breast cancer, as text; n counts them.
select
    n,
    anew('t', 'therapy', n) as therapy_id,
    anew('p', 'person', part(n, 'person', $n_persons)) as patient_id,
    mix.code_system,
    mix.code,
    written(n, 'started', 0) as started_on,
    null as ended_on,
    case when mix.code_system = 'RXNORM' then '90' end as days_supply,
    null as intent,
    'completed' as status
from other
inner join slot as mix
    on mix.extract = 'therapies' and mix.number = part(n, 'code', 1000)
