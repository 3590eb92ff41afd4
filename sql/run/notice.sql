-- One row per thing that a person should look at before believing this run: what happened, what it means, what to do.
-- No count stands here. A share is told in whole percent, and only where neither its part nor the rest is a small count.
with

told as (

    select
        found.notice,
        found.severity,
        found.fact,
        found.subject,
        found.n_alike,
        rule.says,
        rule.means,
        rule.next_step,
        case
            when found.fact in ('index_episodes', 'other_side') then replace(found.subject, '_', ' ')
            else coalesce(step.label, found.subject)
        end as subject_words,
        case
            when found.now = 0 then 'none'
            when found.now * found.of_n <= run.small_cell_max or (1 - found.now) * found.of_n <= run.small_cell_max
                then 'a share too small to tell'
            else coalesce(cast(cast(round(found.now * 100) as integer) as varchar) || ' %', 'nothing known')
        end as now_words,
        case
            when found.was = 0 then 'none'
            when found.was * found.was_of_n <= run.small_cell_max or (1 - found.was) * found.was_of_n <= run.small_cell_max
                then 'a share too small to tell'
            else coalesce(cast(cast(round(found.was * 100) as integer) as varchar) || ' %', 'nothing known')
        end as was_words,
        coalesce(
            cast(cast(round(100 * abs(found.now - found.was) / nullif(found.was, 0)) as integer) as varchar) || ' %',
            'many'
        ) as change_words
    from notice.found as found
    inner join rule.notice as rule
        on rule.notice = found.notice
    left join rule.attrition_step as step
        on
            found.fact = 'fate'
            and step.funnel = 'orders'
            and step.reason = found.subject
    cross join notice.run as run

)

select
    notice,
    severity,
    fact,
    subject,
    replace(
        replace(replace(replace(says, '{subject}', subject_words), '{was}', was_words), '{now}', now_words),
        '{change}', change_words
    )
    || case when n_alike > 1 then ' One of several of its kind.' else '' end as says,
    means,
    next_step
from told
