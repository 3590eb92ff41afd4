-- One row per frozen baseline that no chart could follow.
-- RUL-24, error: centre and limits rest on it; whoever set it and why is asked for by the file's own columns.
with

fault as (

    select baseline.*, 'measure is neither post_completion nor on_treatment' as message, 'write one of the two' as fix
    from rule.baseline as baseline
    where baseline.measure not in ('post_completion', 'on_treatment')
    union all
    select
        baseline.*,
        'basis is neither episode (rate over time) nor order (orders between not-appropriate ones)' as message,
        'write one of the two' as fix
    from rule.baseline as baseline
    where baseline.basis not in ('episode', 'order')
    union all
    select
        baseline.*,
        'a period is named by its first day, and the periods are quarters or years' as message,
        'write the first day of a quarter, such as 2024-01-01' as fix
    from rule.baseline as baseline
    where
        baseline.first_period <> cast(date_trunc('quarter', baseline.first_period) as date)
        or baseline.last_period <> cast(date_trunc('quarter', baseline.last_period) as date)
    union all
    select
        baseline.*,
        'last_period comes before first_period' as message,
        'correct one of the two days' as fix
    from rule.baseline as baseline
    where baseline.last_period < baseline.first_period
    union all
    select
        baseline.*,
        'it was set before its last period had begun' as message,
        'freeze periods that are over, and keep the day on which that was decided' as fix
    from rule.baseline as baseline
    where baseline.set_on <= baseline.last_period

)

select
    'baseline.csv' as file,
    measure || ', ' || basis || ', ' || cast(set_on as varchar) as row_key,
    message,
    fix
from fault
union all
select
    'baseline.csv' as file,
    measure || ', ' || basis || ', ' || cast(set_on as varchar) as row_key,
    'the series has ' || cast(count(*) as varchar) || ' baselines of one day' as message,
    'keep one of them: the later day holds, and two of one day contradict each other' as fix
from rule.baseline
group by measure, basis, set_on
having count(*) > 1
