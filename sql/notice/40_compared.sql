-- One row per notice of rules/notice.csv and subject that it can be asked of: what was, what is, and whether it is far.
-- is_far is null where it cannot be told: too few earlier runs, or nothing to compare. Counts stay in this table; what is
-- said of them is in out.notice.
with

earlier as (

    select count(distinct covered_on) as n_runs
    from notice.history

),

seen as (

    select
        fact,
        subject,
        max(n) as most_n
    from notice.history
    group by fact, subject

),

subject_of_fact as (

    select fact, subject from notice.fact
    union
    select fact, subject from notice.usual

),

joined as (

    select
        rule.notice,
        rule.severity,
        rule.comparison,
        rule.threshold,
        rule.least_history,
        subject.fact,
        subject.subject,
        earlier.n_runs,
        run.covered_on,
        run.recent_after,
        run.year_days,
        run.z,
        run.small_cell_max,
        fact.fact is not null as is_here,
        coalesce(seen.most_n, 0) as most_n,
        usual.n_runs as n_runs_with,
        fact.n,
        fact.of_n,
        fact.day,
        usual.n_expected,
        usual.of_n as was_of_n,
        usual.last_n,
        usual.last_of_n,
        usual.last_day,
        coalesce(share_range.now, fact.n / nullif(fact.of_n, 0)) as share,
        share_range.was as was_share,
        share_range.low as share_low,
        share_range.high as share_high
    from rule.notice as rule
    inner join subject_of_fact as subject
        on subject.fact = rule.fact
    cross join earlier
    cross join notice.run as run
    left join notice.fact as fact
        on
            fact.fact = subject.fact
            and fact.subject = subject.subject
    left join notice.usual as usual
        on
            usual.fact = subject.fact
            and usual.subject = subject.subject
    left join seen
        on
            seen.fact = subject.fact
            and seen.subject = subject.subject
    left join notice.share_range as share_range
        on
            share_range.fact = subject.fact
            and share_range.subject = subject.subject

),

ranged as (

    select
        *,
        case
            when comparison in ('fell', 'rose') then n_expected
            when comparison in ('share_rose', 'share_moved') then was_share
            when comparison = 'fell_though_longer' then last_n
        end as was,
        case
            when comparison in ('share_rose', 'share_moved', 'share_above') then share
            when comparison in ('fell', 'rose', 'fell_though_longer', 'new', 'new_lately', 'empty') then n
        end as now,
        case
            when comparison = 'fell'
                then least(n_expected * (1 - threshold), n_expected - z * sqrt(n_expected), n_expected - small_cell_max)
            when comparison = 'fell_though_longer'
                then least(last_n * (1 - threshold), last_n - small_cell_max)
            when comparison = 'share_moved' then least(was_share - threshold, share_low)
        end as low,
        case
            when comparison = 'rose'
                then greatest(n_expected * (1 + threshold), n_expected + z * sqrt(n_expected), n_expected + small_cell_max)
            when comparison in ('share_rose', 'share_moved') then greatest(was_share + threshold, share_high)
            when comparison = 'share_above' then threshold
        end as high,
        case comparison
            when 'earlier' then last_day - cast(threshold as integer)
            when 'beyond' then covered_on - cast(threshold as integer)
            when 'new_lately' then recent_after
        end as day_limit,
        case comparison
            when 'silent' then exp(-n * cast(covered_on - day as double) / year_days)
            when 'empty' then exp(-of_n)
        end as chance
    from joined

)

select
    notice,
    severity,
    comparison,
    fact,
    subject,
    n_runs,
    was,
    now,
    low,
    high,
    was_of_n,
    of_n,
    last_day as was_day,
    day,
    day_limit,
    chance,
    case
        when comparison = 'few' then n_runs < threshold
        when n_runs < least_history then null
        when comparison = 'gone' then n_runs_with >= least_history and not is_here
        when not is_here then null
        when comparison = 'fell' then now < low
        when comparison in ('rose', 'share_rose', 'share_above') then now > high
        when comparison = 'share_moved' then now < low or now > high
        when comparison = 'fell_though_longer' then now < low and of_n >= last_of_n
        when comparison = 'new' then n >= threshold and most_n < threshold
        when comparison = 'new_lately' then n >= threshold and most_n < threshold and day > day_limit
        when comparison in ('earlier', 'beyond') then day < day_limit
        when comparison in ('silent', 'empty') then chance < threshold
    end as is_far
from ranged
where severity <> 'off'
