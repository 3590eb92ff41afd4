-- One row per measure, basis and reading, with what is counted under that reading (SPEC 6, 7).
with

reading as (

    select 'as_defined' as reading, 'as_defined' as units, false as counts_unresolved, 'as defined' as label
    union all
    select
        'context_reroutes_put_back', 'context_reroutes_put_back', false,
        'orders rerouted by a context word alone put back under variant 2'
    union all
    select
        'exceptions_set_aside', 'exceptions_set_aside', false,
        'orders that carry an exception set aside'
    union all
    select
        'assumed_pet_indeterminate', 'assumed_pet_indeterminate', false,
        'FDG-PET without a stated purpose read as indeterminate'
    union all
    select
        'current_edition', 'current_edition', false,
        'every order judged by the current edition, whatever its day'
    union all
    select 'unresolved_included', 'as_defined', true, 'cases of the tier unresolved counted too'

),

counted as (

    select
        index_unit.measure,
        index_unit.basis,
        reading.reading,
        index_unit.outcome
    from core.index_unit as index_unit
    inner join reading
        on reading.units = index_unit.reading
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = index_unit.case_id
    where reading.counts_unresolved or neoadjuvant_case.intent_tier <> 'unresolved'

),

-- Every reading of both measures stands there even where nothing was counted: an empty denominator is null, not absent.
place as (

    select
        measure.measure,
        basis.basis,
        reading.reading,
        reading.label
    from reading
    cross join (select unnest(string_split('order;episode', ';')) as basis) as basis
    cross join (
        select unnest(string_split('post_completion;on_treatment', ';')) as measure
    ) as measure

)

select
    place.measure,
    place.basis,
    place.reading,
    place.label,
    count(counted.outcome) as n_index,
    count(*) filter (
        where counted.outcome in ('appropriate', 'mixed', 'may_be', 'not_appropriate')
    ) as n_rated,
    count(*) filter (where counted.outcome in ('unrated', 'indeterminate')) as n_undecided,
    count(*) filter (where counted.outcome = 'appropriate') as n_appropriate,
    count(*) filter (where counted.outcome = 'mixed') as n_mixed,
    count(*) filter (where counted.outcome = 'may_be') as n_may_be,
    count(*) filter (where counted.outcome = 'not_appropriate') as n_not_appropriate,
    count(*) filter (where counted.outcome = 'unrated') as n_unrated,
    count(*) filter (where counted.outcome = 'indeterminate') as n_indeterminate
from place
left join counted
    on
        counted.measure = place.measure
        and counted.basis = place.basis
        and counted.reading = place.reading
group by place.measure, place.basis, place.reading, place.label
