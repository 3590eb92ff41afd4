-- One row per definition of the multiverse, with what the headline counts under it: episodes of post_completion (SPEC 9).
-- The readings of definitions hold nothing but that measure. One clock is the site's own; the other is what the same models
-- made of the same orders under other_clock.parameter.
with

unit as (

    select
        parameter.clock,
        index_unit.reading,
        index_unit.case_id,
        index_unit.outcome
    from core.index_unit as index_unit
    cross join stg.parameter as parameter
    where index_unit.basis = 'episode'
    union all
    select
        parameter.clock,
        index_unit.reading,
        index_unit.case_id,
        index_unit.outcome
    from other_clock.index_unit as index_unit
    cross join other_clock.parameter as parameter
    where index_unit.basis = 'episode'

),

counted as (

    select
        unit.clock,
        unit.reading,
        unit.outcome,
        neoadjuvant_case.intent_tier,
        neoadjuvant_case.therapy_class,
        count(*) as n_episodes
    from unit
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = unit.case_id
    group by
        unit.clock,
        unit.reading,
        unit.outcome,
        neoadjuvant_case.intent_tier,
        neoadjuvant_case.therapy_class

),

-- Where a definition counts nothing its row still stands: an empty denominator is null, not absent.
chosen as (

    select
        definition.definition,
        counted.outcome,
        coalesce(counted.n_episodes, 0) as n_episodes
    from core.definition as definition
    left join counted
        on
            counted.clock = definition.clock
            and counted.reading = definition.reading
            and (
                definition.tiers = 'all'
                or '+' || definition.tiers || '+' like '%+' || counted.intent_tier || '+%'
            )
            and (
                definition.therapy_classes = 'all'
                or '+' || definition.therapy_classes || '+' like '%+' || counted.therapy_class || '+%'
            )

),

tally as (

    select
        definition,
        cast(sum(n_episodes) as bigint) as n_index,
        cast(sum(case when outcome = 'appropriate' then n_episodes else 0 end) as bigint) as n_appropriate,
        cast(sum(case when outcome = 'mixed' then n_episodes else 0 end) as bigint) as n_mixed,
        cast(sum(case when outcome = 'may_be' then n_episodes else 0 end) as bigint) as n_may_be,
        cast(sum(case when outcome = 'not_appropriate' then n_episodes else 0 end) as bigint) as n_not_appropriate,
        cast(sum(case when outcome = 'unrated' then n_episodes else 0 end) as bigint) as n_unrated,
        cast(sum(case when outcome = 'indeterminate' then n_episodes else 0 end) as bigint) as n_indeterminate
    from chosen
    group by definition

)

select
    *,
    n_appropriate + n_mixed + n_may_be + n_not_appropriate as n_rated,
    n_unrated + n_indeterminate as n_undecided
from tally
