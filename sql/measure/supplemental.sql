-- One row per measure, basis and value of a stratum, with the size of its initial population.
select
    measure,
    basis,
    stratum_value,
    n_index
from out.compliance
where period_grain = 'all' and stratum = $stratum
