-- One row per key that stands in a rule file more than once.
-- RUL-10, error: two rows of one key give two answers, or count a row twice.
with

keyed as (

    select 'edition.csv' as file, edition as row_key from rule.edition
    union all
    select 'variant.csv', edition || ', ' || variant from rule.variant
    union all
    select 'rating.csv', edition || ', ' || variant || ', ' || procedure from rule.rating
    union all
    select 'procedure.csv', procedure from rule.procedure
    union all
    select 'procedure_alias.csv', edition || ', ' || procedure || ', ' || scope from rule.procedure_alias
    union all
    select 'unreachable.csv', edition || ', ' || variant || ', ' || procedure from rule.unreachable
    union all
    select 'biopsy_procedure.csv', procedure from rule.biopsy_procedure
    union all
    select 'otherwise.csv', requires || ', ' || procedure from rule.otherwise
    union all
    select 'merge.csv', merge_modality || ', ' || contrast from rule.merge
    union all
    select 'parameter.csv', name || coalesce(', ' || cast(effective_from as varchar), '') from rule.parameter
    union all
    select 'vocabulary.csv', vocabulary || ', ' || word from rule.vocabulary
    union all
    select 'code_system.csv', lower(written) from rule.code_system
    union all
    select 'scenario.csv', scenario from rule.scenario
    union all
    select 'value_set.csv', file || ', ' || origin from rule.value_set
    union all
    select 'reroute.csv', concat_ws(', ', scenario, edition, phase, nodes, has_earlier_axillary_exam) from rule.reroute
    union all
    select 'staging_exam.csv', edition || ', ' || variant || ', ' || procedure from rule.staging_exam
    union all
    select 'staging_workup.csv', has_pet_ct || ', ' || has_bone_scan || ', ' || has_ct from rule.staging_workup
    union all
    select 'radiation_level.csv', cast(level as varchar) from rule.radiation_level
    union all
    select 'notice.csv', notice from rule.notice
    union all
    select 'known_notice.csv', notice || ', ' || subject from rule.known_notice
    union all
    select 'resolution.csv', finding || ', ' || reason from rule.resolution
    union all
    select 'secondary_measure.csv', measure || ', ' || part from rule.secondary_measure
    union all
    select 'value_sets/modifier.csv', modifier from rule.modifier
    union all
    select
        'value_sets/imaging.csv',
        code_system || ' ' || code || coalesce(' from ' || cast(valid_from as varchar), '')
    from rule.imaging
    union all
    select 'value_sets/diagnosis.csv', code_system || ' ' || code || ', ' || concept from rule.diagnosis
    union all
    select 'value_sets/therapy.csv', code_system || ' ' || code from rule.therapy
    union all
    select 'value_sets/surgery.csv', code_system || ' ' || code from rule.surgery
    union all
    select 'value_sets/biopsy.csv', code_system || ' ' || code from rule.biopsy
    union all
    select 'value_sets/radiation.csv', code_system || ' ' || code from rule.radiation

)

select
    file,
    row_key,
    'the key stands in the file ' || cast(count(*) as varchar) || ' times' as message,
    'keep one of the rows; where the site''s folder repeats a row of ours, remove it there' as fix
from keyed
group by file, row_key
having count(*) > 1
