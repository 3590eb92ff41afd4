-- One row per order line of a person without breast cancer, as text; n counts them.
-- Persons come with unlike numbers of lines, as they do: the square makes some frequent.
select
    n,
    anew('o', 'order', n) as order_id,
    anew('p', 'person', cast(floor($n_persons * power(share(n, 'person'), 1.5)) as bigint)) as patient_id,
    written(n, 'ordered', 0) as ordered_on,
    mix.code_system,
    mix.code,
    mix.kind as order_type,
    case when part(n, 'status', 100) < 88 then 'completed' when part(n, 'status', 100) < 95 then 'cancelled' else 'active' end as status,
    case when part(n, 'status', 100) >= 88 then written(n, 'ordered', part(n, 'wait', 30)) end as scheduled_on,
    case when part(n, 'status', 100) < 88 then written(n, 'ordered', part(n, 'wait', 30)) end as performed_on,
    case part(n, 'side', 5) when 0 then 'left' when 1 then 'right' end as laterality,
    anew('a', 'accession', n) as accession_id,
    case part(n, 'modifier', 10) when 0 then '26' when 1 then 'LT' end as modifiers,
    case part(n, 'reason', 6) when 0 then 'R07.9' when 1 then 'M54.5;R52' when 2 then 'J18.9' end as reason_codes,
    null as context,
    anew('k', 'provider', part(n, 'provider', 5000)) as ordering_provider_id,
    site(n) as site_id,
    case part(n, 'payer', 10) when 0 then 'medicaid' when 1 then 'medicare' when 2 then 'medicare' else 'commercial' end as payer
from other
inner join slot as mix
    on mix.extract = 'orders' and mix.number = part(n, 'code', 1000)
