-- One row per count that follows a line: how much it usually grows a day, the median over every pair of earlier runs.
-- Theil and Sen's line: one faulty delivery among the earlier ones does not bend it.
with

covered as (

    select
        fact,
        subject,
        covered_on,
        n,
        dense_rank() over (order by covered_on desc) as age
    from notice.history

),

kept as (

    select covered.*
    from covered
    cross join notice.run as run
    where covered.age <= run.most_runs and covered.fact in ('rows', 'persons')

)

select
    earlier.fact,
    earlier.subject,
    median((later.n - earlier.n) / cast(later.covered_on - earlier.covered_on as double)) as each_day
from kept as earlier
inner join kept as later
    on
        later.fact = earlier.fact
        and later.subject = earlier.subject
        and later.covered_on > earlier.covered_on
group by earlier.fact, earlier.subject
