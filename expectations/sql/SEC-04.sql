-- One row per figure whose rate is not its numerator over its denominator.
select measure
from {batch}
where
    abs(coalesce(rate, -1) - coalesce(
        case when denominator > 0 then numerator / cast(denominator as double) end, -1
    )) > 1e-9
