-- One row per sign that one person's dates were not all moved by the same number of days.
-- Where each extract has a shift of its own, what follows in life precedes on paper about every second time. Real data hold
-- a few such rows: only a share that they cannot reach is told. Where nothing was moved (limited_data_set) nothing is asked.
with

date_text as (

    select diagnosed_on as written from raw.diagnoses
    union
    select started_on as written from raw.therapies
    union
    select performed_on as written from raw.procedures
    union
    select ordered_on as written from raw.orders
    union
    select performed_on as written from raw.orders
    union
    select reported_on as written from raw.findings
    union
    select observed_to as written from raw.patients

),

date_read as (

    select
        written,
        case
            when regexp_full_match(trim(written), '[+-]?[0-9]{1,6}')
                then cast('2000-01-01' as date) + try_cast(trim(written) as integer)
            else try_cast(left(trim(written), 10) as date)
        end as day
    from date_text
    where (select max(deid_mode) from rule.run) in ('shifted_dates', 'relative_days')

),

row_read as (

    select 'diagnoses' as extract, patient_id, code, diagnosed_on as written from raw.diagnoses
    union all
    select 'therapies', patient_id, code, started_on from raw.therapies
    union all
    select 'procedures', patient_id, code, performed_on from raw.procedures
    union all
    select 'orders', patient_id, unnest(string_split(coalesce(reason_codes, ''), ';')), ordered_on from raw.orders
    union all
    select 'findings', patient_id, null, reported_on from raw.findings

),

dated as (

    select
        row_read.extract,
        row_read.patient_id,
        replace(upper(trim(row_read.code)), '.', '') as code,
        date_read.day
    from row_read
    inner join date_read
        on date_read.written = row_read.written
    where date_read.day is not null

),

-- The codes that say "this person has breast cancer" and "it is being treated".
telling as (

    select 'diagnoses' as extract, code from rule.diagnosis where concept = 'invasive_breast_cancer'
    union
    select 'orders', code from rule.diagnosis where concept = 'invasive_breast_cancer'
    union
    select 'therapies', replace(code, '.', '') from rule.therapy where is_counted
    union
    select 'procedures', replace(code, '.', '') from rule.surgery where definitive = 'yes'

),

first_day as (

    select
        dated.patient_id,
        dated.extract,
        min(dated.day) as day
    from dated
    inner join telling
        on telling.extract = dated.extract and telling.code = dated.code
    group by dated.patient_id, dated.extract

),

any_day as (

    select patient_id, day from dated
    union all
    select patient_id, ordered_on as day from raw.other_order

),

last_day as (

    select
        patient_id,
        max(day) as day
    from any_day
    group by patient_id

),

covered as (

    select
        patients.patient_id,
        max(date_read.day) as day
    from raw.patients as patients
    inner join date_read
        on date_read.written = patients.observed_to
    where date_read.day is not null
    group by patients.patient_id

),

order_day as (

    select
        orders.order_id,
        min(placed.day) as placed_on,
        min(performed.day) as performed_on
    from raw.orders as orders
    inner join date_read as placed
        on placed.written = orders.ordered_on
    left join date_read as performed
        on performed.written = orders.performed_on
    group by orders.order_id

),

sign as (

    select
        'ID-70' as code,
        later.extract,
        'treatment or orders for breast cancer more than 30 days before its first diagnosis' as label,
        count(*) filter (where later.day < diagnosed.day - 30) as n_rows,
        count(*) as n_total,
        0.25 as allowed_share
    from first_day as later
    inner join first_day as diagnosed
        on diagnosed.patient_id = later.patient_id and diagnosed.extract = 'diagnoses'
    where later.extract <> 'diagnoses'
    group by later.extract
    union all
    select
        'ID-71',
        'findings',
        'findings dated before the order that they name',
        count(*) filter (where reported.day < order_day.placed_on),
        count(*),
        0.1
    from raw.findings as findings
    inner join date_read as reported
        on reported.written = findings.reported_on
    inner join order_day
        on order_day.order_id = findings.order_id
    where reported.day is not null and order_day.placed_on is not null
    union all
    select
        'ID-72',
        'orders',
        'orders performed before they were placed',
        count(*) filter (where performed_on < placed_on),
        count(*),
        0.1
    from order_day
    where placed_on is not null and performed_on is not null
    union all
    select
        'ID-73',
        'patients',
        'persons with rows after the last day covered',
        count(*) filter (where last_day.day > covered.day),
        count(*),
        0.25
    from covered
    inner join last_day
        on last_day.patient_id = covered.patient_id

)

select
    code,
    extract,
    label,
    n_rows,
    n_total,
    'the dates of one person seem to be moved by different numbers of days: intervals, and so labels, mean nothing then' as why
from sign
where n_total >= 20 and n_rows > allowed_share * n_total
