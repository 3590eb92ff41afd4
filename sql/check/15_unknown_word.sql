-- One row per word of a rule that its vocabulary does not have.
-- RUL-15, error: the models compare words letter by letter, so a misspelt one is silently nobody's.
with

used as (

    select 'rating.csv' as file, procedure as row_key, 'rating' as vocabulary, rating as word from rule.rating
    union all
    select 'variant.csv', edition || ', ' || variant, 'body_region', body_region from rule.variant
    union all
    select 'variant.csv', edition || ', ' || variant, 'nodes', nodes from rule.variant
    union all
    select 'procedure.csv', procedure, 'modality', modality from rule.procedure
    union all
    select 'procedure.csv', procedure, 'purpose', default_purpose from rule.procedure
    union all
    select 'procedure.csv', procedure, 'contrast', contrast from rule.procedure
    union all
    select 'procedure.csv', procedure, 'merge_modality', merge_modality from rule.procedure
    union all
    select 'procedure_alias.csv', procedure, 'alias_scope', scope from rule.procedure_alias
    union all
    select 'reroute.csv', scenario || ', ' || edition, 'phase', phase from rule.reroute
    union all
    select 'reroute.csv', scenario || ', ' || edition, 'nodes', nodes from rule.reroute
    union all
    select 'reroute.csv', scenario || ', ' || edition, 'known', has_earlier_axillary_exam from rule.reroute
    union all
    select 'value_sets/imaging.csv', code_system || ' ' || code, 'purpose', purpose from rule.imaging
    union all
    select 'value_sets/imaging.csv', code_system || ' ' || code, 'laterality', laterality from rule.imaging
    union all
    select 'value_sets/imaging.csv', code_system || ' ' || code, 'support', support from rule.imaging
    union all
    select 'value_sets/imaging.csv', code_system || ' ' || code, 'requires', requires from rule.imaging
    union all
    select 'otherwise.csv', requires || ', ' || procedure, 'requires', requires from rule.otherwise
    union all
    select 'value_sets/modifier.csv', modifier, 'laterality', laterality from rule.modifier
    union all
    select 'value_sets/diagnosis.csv', code_system || ' ' || code, 'concept', concept from rule.diagnosis
    union all
    select 'value_sets/diagnosis.csv', code_system || ' ' || code, 'laterality', laterality from rule.diagnosis
    union all
    select 'value_sets/therapy.csv', code_system || ' ' || code, 'therapy_class', therapy_class from rule.therapy
    union all
    select 'value_sets/surgery.csv', code_system || ' ' || code, 'definitive', definitive from rule.surgery
    union all
    select 'value_sets/surgery.csv', code_system || ' ' || code, 'laterality', laterality from rule.surgery
    union all
    select 'value_sets/biopsy.csv', code_system || ' ' || code, 'biopsy_kind', kind from rule.biopsy
    union all
    select 'value_sets/biopsy.csv', code_system || ' ' || code, 'target', target from rule.biopsy
    union all
    select 'value_sets/biopsy.csv', code_system || ' ' || code, 'places_marker', places_marker from rule.biopsy
    union all
    select 'value_sets/biopsy.csv', code_system || ' ' || code, 'laterality', laterality from rule.biopsy
    union all
    select 'biopsy_procedure.csv', procedure, 'biopsy_kind', kind from rule.biopsy_procedure
    union all
    select 'biopsy_procedure.csv', procedure, 'target', target from rule.biopsy_procedure
    union all
    select 'biopsy_procedure.csv', procedure, 'places_marker', places_marker from rule.biopsy_procedure
    union all
    select 'value_sets/radiation.csv', code_system || ' ' || code, 'radiation_role', role from rule.radiation
    union all
    select 'value_sets/radiation.csv', code_system || ' ' || code, 'laterality', laterality from rule.radiation
    union all
    select 'staging_exam.csv', edition || ', ' || procedure, 'staging_part', part from rule.staging_exam
    union all
    select 'secondary_measure.csv', measure || ', ' || part, 'better', better from rule.secondary_measure
    union all
    select 'secondary_measure.csv', measure || ', ' || part, 'counted_unit', unit from rule.secondary_measure

)

select
    used.file,
    used.row_key,
    '''' || used.word || ''' is no word of ' || used.vocabulary as message,
    'write one of the words that vocabulary.csv has for it' as fix
from used
left join rule.vocabulary as vocabulary
    on
        vocabulary.vocabulary = used.vocabulary
        and vocabulary.word = used.word
where
    used.word is not null
    and vocabulary.word is null
