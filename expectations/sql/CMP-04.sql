-- One row per cell whose rate is not appropriate over rated, or stands where nothing was rated or where it is withheld.
with

cell as (

    select
        measure,
        rate,
        is_withheld,
        n_appropriate,
        n_appropriate + n_mixed + n_may_be + n_not_appropriate as n_rated
    from {batch}

)

select measure
from cell
where
    (n_rated = 0 and rate is not null)
    or (is_withheld and rate is not null)
    or (n_rated > 0 and not is_withheld and rate is null)
    or (n_rated > 0 and abs(rate - n_appropriate / n_rated) > 1e-9)
