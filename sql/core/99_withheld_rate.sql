-- One row per way in which a denominator splits into appropriate, otherwise rated and undecided: what is said of it (SPEC 8).
-- The interval says what chance could explain, the bounds what the undecided could. Where too many are undecided, the rate
-- and its interval are withheld; the bounds stay, they are what is known.
with

split as (

    select
        n_appropriate,
        n_rated,
        n_undecided
    from core.compliance_tally
    union
    select
        n_appropriate,
        n_rated,
        n_undecided
    from core.sensitivity_tally
    union
    select
        n_appropriate,
        n_rated,
        n_undecided
    from core.scenario_tally
    union
    select
        n_appropriate,
        n_rated,
        n_undecided
    from core.multiverse_tally

),

bounded as (

    select
        split.n_appropriate,
        split.n_rated,
        split.n_undecided,
        case
            when split.n_rated + split.n_undecided > 0
                then split.n_appropriate / cast(split.n_rated + split.n_undecided as double)
        end as bound_low,
        case
            when split.n_rated + split.n_undecided > 0
                then (split.n_appropriate + split.n_undecided) / cast(split.n_rated + split.n_undecided as double)
        end as bound_high,
        case
            when split.n_rated + split.n_undecided > 0
                then split.n_undecided / cast(split.n_rated + split.n_undecided as double)
                > parameter.unrated_withhold_share
            else false
        end as is_withheld
    from split
    cross join stg.parameter as parameter

)

select
    bounded.n_appropriate,
    bounded.n_rated,
    bounded.n_undecided,
    wilson.rate,
    wilson.ci_low,
    wilson.ci_high,
    bounded.bound_low,
    bounded.bound_high,
    bounded.is_withheld
from bounded
left join core.wilson as wilson
    on
        wilson.n_appropriate = bounded.n_appropriate
        and wilson.n_rated = bounded.n_rated
        and not bounded.is_withheld
