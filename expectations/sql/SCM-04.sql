-- One row per figure whose rate is not appropriate over rated, or stands where it should be withheld.
select scenario
from {batch}
where
    abs(coalesce(rate, -1) - coalesce(
        case
            when not is_withheld and n_appropriate + n_mixed + n_may_be + n_not_appropriate > 0
                then n_appropriate / cast(n_appropriate + n_mixed + n_may_be + n_not_appropriate as double)
        end, -1
    )) > 1e-9
