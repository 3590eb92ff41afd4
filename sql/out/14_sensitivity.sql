-- One row per measure, basis and reading: the same rate under another way of counting (SPEC 6, 7).
with

withheld as (

    select
        tally.*,
        tally.n_appropriate + tally.n_mixed + tally.n_may_be + tally.n_not_appropriate as n_rated,
        case
            when tally.n_index > 0
                then (tally.n_unrated + tally.n_indeterminate) / cast(tally.n_index as double)
                > parameter.unrated_withhold_share
            else false
        end as is_withheld
    from core.sensitivity_tally as tally
    cross join stg.parameter as parameter

)

select
    withheld.measure,
    withheld.basis,
    withheld.reading,
    withheld.label,
    withheld.n_index,
    withheld.n_appropriate,
    withheld.n_mixed,
    withheld.n_may_be,
    withheld.n_not_appropriate,
    withheld.n_unrated,
    withheld.n_indeterminate,
    wilson.rate,
    wilson.ci_low,
    wilson.ci_high,
    case when withheld.n_index > 0 then withheld.n_appropriate / cast(withheld.n_index as double) end as bound_low,
    case
        when withheld.n_index > 0
            then (
                withheld.n_index - withheld.n_mixed - withheld.n_may_be - withheld.n_not_appropriate
            ) / cast(withheld.n_index as double)
    end as bound_high,
    withheld.is_withheld
from withheld
left join core.wilson as wilson
    on
        wilson.n_appropriate = withheld.n_appropriate
        and wilson.n_rated = withheld.n_rated
        and not withheld.is_withheld
