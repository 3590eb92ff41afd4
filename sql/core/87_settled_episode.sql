-- One row per episode of the measure, with whether time can still change its tier or phase (DECISIONS 69).
select
    index_unit.measure,
    index_unit.case_id,
    index_unit.index_on,
    neoadjuvant_case.surgery_on is not null
    or neoadjuvant_case.covered_to > neoadjuvant_case.last_cover_on + parameter.surgery_max_days as is_settled
from core.index_unit as index_unit
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = index_unit.case_id
cross join stg.parameter as parameter
where
    index_unit.reading = 'as_defined'
    and index_unit.basis = 'episode'
    and neoadjuvant_case.intent_tier <> 'unresolved'
