-- One row per value of a stratum, as the orders of the audit have it.
select distinct stratum_value
from out.compliance
where stratum = $stratum
