-- One row per pair of counts that some rate is made of, with the rate and Wilson's interval around it (SPEC 8).
with

pair as (

    select
        n_appropriate,
        n_rated
    from core.compliance_tally
    union
    select
        n_appropriate,
        n_rated
    from core.sensitivity_tally
    union
    select
        n_appropriate,
        n_rated
    from core.scenario_tally
    union
    select
        n_appropriate,
        n_rated
    from core.multiverse_tally
    union
    select
        numerator as n_appropriate,
        denominator as n_rated
    from core.secondary_tally

),

share as (

    select
        pair.n_appropriate,
        pair.n_rated,
        pair.n_appropriate / cast(pair.n_rated as double) as rate,
        parameter.wilson_z * parameter.wilson_z / pair.n_rated as spread,
        parameter.wilson_z as z
    from pair
    cross join stg.parameter as parameter
    where pair.n_rated > 0

)

-- Rounding must not push an end past the rate itself, nor past 0 or 1.
select
    n_appropriate,
    n_rated,
    rate,
    greatest(
        0, least(rate, (rate + spread / 2 - z * sqrt((rate * (1 - rate) + spread / 4) / n_rated)) / (1 + spread))
    ) as ci_low,
    least(
        1, greatest(rate, (rate + spread / 2 + z * sqrt((rate * (1 - rate) + spread / 4) / n_rated)) / (1 + spread))
    ) as ci_high
from share
