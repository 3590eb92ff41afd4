-- One row per thing that a person should look at before believing this run, in exact figures: for the protected zone.
-- Of a milder and a graver notice of the same thing the graver stands; what the site knows of (known_notice.csv) does not.
-- n_alike says how many there are of the notice; only the weightiest of them are kept.
with

far as (

    select
        compared.*,
        case compared.severity when 'stop' then 2 when 'warning' then 1 else 0 end as gravity
    from notice.compared as compared
    left join rule.known_notice as known
        on
            known.notice = compared.notice
            and known.subject = compared.subject
    where compared.is_far and known.notice is null

),

gravest as (

    select
        *,
        max(gravity) over (partition by fact, subject, comparison) as most_grave
    from far

),

ranked as (

    select
        *,
        count(*) over (partition by notice) as n_alike,
        row_number() over (
            partition by notice
            order by abs(coalesce(now, 0) - coalesce(was, 0)) desc, chance, day, subject
        ) as position
    from gravest
    where gravity = most_grave

)

select
    ranked.notice,
    ranked.severity,
    ranked.fact,
    ranked.subject,
    ranked.was,
    ranked.now,
    ranked.low,
    ranked.high,
    ranked.was_of_n,
    ranked.of_n,
    ranked.was_day,
    ranked.day,
    ranked.n_alike
from ranked
cross join notice.run as run
where ranked.position <= run.most_alike
