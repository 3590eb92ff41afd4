-- One row per code of a biopsy, marker or localisation, or of what may go with one: what it does, and to what.
-- A local code does what the procedure does to which the site maps it; a row of its own decides (DECISIONS 118).
select
    code_system,
    code,
    kind,
    target,
    places_marker,
    laterality
from rule.biopsy
union all
select
    'LOCAL' as code_system,
    code_map.code,
    biopsy_procedure.kind,
    biopsy_procedure.target,
    biopsy_procedure.places_marker,
    null as laterality
from stg.code_map as code_map
inner join rule.biopsy_procedure as biopsy_procedure
    on biopsy_procedure.procedure = code_map.procedure
left join rule.biopsy as own
    on
        own.code_system = 'LOCAL'
        and own.code = code_map.code
where own.code is null
