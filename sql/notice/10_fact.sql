-- One row per fact of this run that is compared with history: what is counted (n, of of_n) or the day it names.
-- Shares are those of the last months: in an old stock a fault of today would hide for years. They count persons, for the
-- orders of one person hang together. Days, months and sites are facts only where there is a calendar.
with

-- Those too that are counted and not kept: whether a month or a site is whole shows in all of them. Both are told only
-- where there is a calendar, and there everybody has one as_of. Not held in memory: they are nearly all of the delivery.
every_order as not materialized (

    select patient_id, ordered_on, site_id from stg.order_line
    union all
    select patient_id, ordered_on, site_id
    from raw.other_order
    where ordered_on <= (select max(as_of) from stg.patient_span)

),

recent_line as (

    select
        imaging_line.order_id,
        imaging_line.patient_id,
        imaging_line.kind
    from core.imaging_line as imaging_line
    inner join stg.order_line as order_line
        on order_line.order_id = imaging_line.order_id
    cross join notice.run as run
    where run.recent_after is null or order_line.ordered_on > run.recent_after

),

recent_other as (

    select
        other_order_fate.reason,
        other_order_fate.kind,
        other_order_fate.patient_id
    from core.other_order_fate as other_order_fate
    cross join notice.run as run
    where
        other_order_fate.kind is not null
        and (run.recent_after is null or other_order_fate.last_on > run.recent_after)

),

recent_person as (

    select kind, patient_id from recent_line
    union all
    select kind, patient_id from recent_other

),

recent_fate as (

    select
        line_fate.reason,
        recent_line.patient_id
    from core.line_fate as line_fate
    inner join recent_line
        on recent_line.order_id = line_fate.order_id
    union all
    select reason, patient_id from recent_other

),

fate as (

    select
        reason,
        count(distinct patient_id) as n
    from recent_fate
    group by reason

),

fate_step as (

    select reason
    from rule.attrition_step
    where
        funnel = 'orders' and kind = 'removed'
        and reason not in ('unreadable_row', 'quarantined', 'exact_duplicate', 'after_as_of', 'not_imaging')

),

-- Of all orders: core.code_reach holds every day on which one was placed.
span as (

    select
        min(ordered_on) as first_on,
        max(ordered_on) as last_on
    from core.code_reach

),

extract_day as (

    select 'orders' as extract, order_id as row_id, patient_id, ordered_on as day from stg.order_line
    union all
    select 'diagnoses', diagnosis_id, patient_id, diagnosed_on from stg.diagnosis
    union all
    select 'therapies', therapy_id, patient_id, started_on from stg.therapy
    union all
    select 'procedures', procedure_id, patient_id, performed_on from stg.procedure
    union all
    select 'findings', finding_id, patient_id, reported_on from stg.finding

),

whole_day as (

    select extract, day from extract_day
    union all
    select 'orders' as extract, first_on as day from span
    where first_on is not null
    union all
    select 'orders' as extract, last_on as day from span
    where last_on is not null

),

side as (

    select
        extract_day.extract,
        count(distinct case when conflict.row_id is not null then extract_day.patient_id end) as n,
        count(distinct extract_day.patient_id) as of_n
    from extract_day
    left join core.side_conflict as conflict
        on
            conflict.extract = extract_day.extract
            and conflict.row_id = extract_day.row_id
    cross join notice.run as run
    where
        extract_day.extract in ('orders', 'diagnoses', 'procedures')
        and (run.recent_after is null or extract_day.day > run.recent_after)
    group by extract_day.extract

),

code_index as (

    select
        order_line.code_system,
        order_line.code,
        count(*) as n_index
    from stg.order_line as order_line
    inner join core.index_order as index_order
        on
            index_order.order_id = order_line.order_id
            and index_order.reading = 'as_defined'
            and index_order.kind = 'mapped'
    group by order_line.code_system, order_line.code

),

code_day as (

    select
        code_index.code_system,
        code_index.code,
        code_index.n_index,
        min(code_reach.ordered_on) as first_on
    from code_index
    inner join core.code_reach as code_reach
        on
            code_reach.code_system = code_index.code_system
            and code_reach.code = code_index.code
    group by code_index.code_system, code_index.code, code_index.n_index

),

known_code as (

    select distinct
        code_system,
        code
    from core.imaging_code

),

site_person as (

    select
        site_id,
        patient_id,
        max(ordered_on) as last_on
    from every_order
    where site_id is not null
    group by site_id, patient_id

),

site_last as (

    select
        site_id,
        max(last_on) as last_on
    from site_person
    group by site_id

),

site as (

    select
        site_last.site_id,
        site_last.last_on,
        count(*) as n_persons
    from site_last
    inner join site_person
        on site_person.site_id = site_last.site_id
    cross join notice.run as run
    where site_person.last_on > site_last.last_on - run.year_days
    group by site_last.site_id, site_last.last_on

),

every_month as (

    select cast(unnest(generate_series(
        date_trunc('month', first_on), date_trunc('month', last_on), interval '1 month'
    )) as date) as month
    from span

),

held_month as (

    select distinct cast(date_trunc('month', ordered_on) as date) as month
    from core.code_reach

),

near_month as (

    select
        every_month.month,
        near.month as near_month,
        months.each_side
    from every_month
    cross join (select cast(value as integer) as each_side from rule.parameter where name = 'notice_months') as months
    inner join held_month as near
        on
            near.month >= every_month.month - to_months(months.each_side)
            and near.month <= every_month.month + to_months(months.each_side)
    where every_month.month not in (select month from held_month)

),

-- Persons with an order rather than orders: those of one person hang together, and chance is judged by what does not.
-- Counted only of months beside an empty one.
order_month as (

    select
        near.near_month as month,
        count(distinct every_order.patient_id) as n_persons
    from every_order
    inner join (select distinct near_month from near_month) as near
        on near.near_month = cast(date_trunc('month', every_order.ordered_on) as date)
    group by near.near_month

),

empty_month as (

    select
        near_month.month,
        -- Busy on both sides: the thin months before a source began are no gap.
        least(
            sum(case when near_month.near_month < near_month.month then order_month.n_persons else 0 end),
            sum(case when near_month.near_month > near_month.month then order_month.n_persons else 0 end)
        ) / cast(near_month.each_side as double) as n_usual
    from near_month
    inner join order_month
        on order_month.month = near_month.near_month
    group by near_month.month, near_month.each_side

),

counted as (

    select 'rows' as fact, extract as subject, n_rows as n, null as of_n, null as day
    from stg.quarantine_share
    union all
    select 'quarantined', extract, n_quarantined, n_rows, null
    from stg.quarantine_share
    where n_rows > 0
    union all
    select 'persons', 'whole', count(*), null, null
    from stg.patient_span
    union all
    select 'index_episodes', compliance.measure, compliance.n_index, span.last_on - span.first_on, null
    from out.compliance as compliance
    cross join span
    where compliance.basis = 'episode' and compliance.period_grain = 'all' and compliance.stratum = 'all'
    union all
    select
        'unmapped', 'whole', count(distinct case when kind = 'unmapped' then patient_id end),
        count(distinct patient_id), null
    from recent_person
    union all
    -- A code of the value set that this order alone could not be read by is nothing new.
    select 'unmapped_code', unmapped_code.code_system || ' ' || unmapped_code.code, unmapped_code.n_orders, null, null
    from out.unmapped_code as unmapped_code
    left join known_code
        on
            known_code.code_system = unmapped_code.code_system
            and known_code.code = unmapped_code.code
    where unmapped_code.reason = 'unmapped_code' and known_code.code is null
    union all
    select 'index_code', code_system || ' ' || code, n_index, null, first_on
    from code_day
    union all
    select 'fate', fate_step.reason, coalesce(fate.n, 0), (select count(distinct patient_id) from recent_person), null
    from fate_step
    left join fate
        on fate.reason = fate_step.reason
    union all
    select 'side_conflict', extract, n, of_n, null
    from side
    union all
    select 'other_side', part, denominator - numerator, denominator, null
    from out.secondary_measure
    where measure = 'S9' and period_grain = 'all'

),

dated as (

    select 'first_day' as fact, extract as subject, null as n, null as of_n, min(day) as day
    from whole_day
    group by extract
    union all
    select 'last_day', extract, null, null, max(day)
    from whole_day
    group by extract
    union all
    select 'last_order', 'whole', null, null, last_on
    from span
    where last_on is not null
    union all
    select
        'after_as_of', 'whole',
        coalesce(max(n_orders) filter (where reason = 'after_as_of'), 0), max(n_orders) filter (where kind = 'input'), null
    from out.attrition
    having count(*) filter (where kind = 'input') > 0
    union all
    select 'site', site_id, n_persons, null, last_on
    from site
    union all
    select 'empty_month', substr(cast(month as varchar), 1, length('2024-01')), 0, n_usual, month
    from empty_month
    where n_usual >= 1

)

select
    fact,
    subject,
    cast(n as double) as n,
    cast(of_n as double) as of_n,
    cast(day as date) as day
from counted
union all
select
    dated.fact,
    dated.subject,
    cast(dated.n as double) as n,
    cast(dated.of_n as double) as of_n,
    cast(dated.day as date) as day
from dated
cross join notice.run as run
where run.has_calendar
