-- One row per fact and subject of the last earlier runs: what they lead to expect of this one.
with

covered as (

    select
        *,
        dense_rank() over (order by covered_on desc) as age
    from notice.history

),

kept as (

    select
        covered.*,
        greatest(
            0, covered.n + coalesce(slope.each_day, 0) * cast(run.covered_on - covered.covered_on as double)
        ) as n_by_now
    from covered
    cross join notice.run as run
    left join notice.slope as slope
        on
            slope.fact = covered.fact
            and slope.subject = covered.subject
    where covered.age <= run.most_runs

)

select
    fact,
    subject,
    count(*) as n_runs,
    median(n_by_now) as n_expected,
    median(case when of_n > 0 then n / of_n end) as share,
    median(case when of_n > 0 then of_n end) as of_n,
    max(case when age = 1 then n end) as last_n,
    max(case when age = 1 then of_n end) as last_of_n,
    max(case when age = 1 then day end) as last_day
from kept
group by fact, subject
