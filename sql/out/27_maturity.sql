-- One row per measure and period: the share of its episodes that time can no longer change (DECISIONS 69).
-- Recent periods are immature: surgery that follows may still move a tier, a phase and with them the rate.
with

period as (

    select measure, 'all' as period_grain, cast(null as date) as period_start, is_settled
    from core.settled_episode
    union all
    select
        settled_episode.measure,
        grain.period_grain,
        cast(date_trunc(grain.period_grain, settled_episode.index_on) as date) as period_start,
        settled_episode.is_settled
    from core.settled_episode as settled_episode
    cross join (select unnest(string_split('year;quarter', ';')) as period_grain) as grain
    cross join stg.parameter as parameter
    where parameter.deid_mode <> 'relative_days'

),

tally as (

    select
        measure,
        period_grain,
        period_start,
        count(*) as n_index,
        count(*) filter (where is_settled) as n_settled
    from period
    group by measure, period_grain, period_start

)

select
    tally.measure,
    tally.period_grain,
    tally.period_start,
    tally.n_index,
    tally.n_settled,
    tally.n_settled / cast(tally.n_index as double) as settled_share,
    tally.n_settled / cast(tally.n_index as double) < parameter.maturity_share as is_immature
from tally
cross join stg.parameter as parameter
