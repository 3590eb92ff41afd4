-- One row per measure, basis, period and stratum, with what was counted there (SPEC 8).
-- The tier unresolved stands in its own stratum only, beside the headline and never in it.
with

stratum_name as (

    select
        unnest(
            string_split(
                'all;site;procedure;therapy_class;intent_tier;payer;sex;gender_identity;age_band;race;'
                || 'ethnicity;breast_density;edition', ';'
            )
        ) as stratum

),

in_stratum as (

    select
        count_row.basis,
        count_row.measure,
        count_row.counted_on,
        count_row.outcome,
        count_row.outcome_without_exception,
        count_row.n_exception,
        stratum_name.stratum,
        case stratum_name.stratum
            when 'all' then 'all'
            when 'site' then count_row.site
            when 'procedure' then count_row.procedure
            when 'therapy_class' then count_row.therapy_class
            when 'intent_tier' then count_row.intent_tier
            when 'payer' then count_row.payer
            when 'sex' then count_row.sex
            when 'gender_identity' then count_row.gender_identity
            when 'age_band' then count_row.age_band
            when 'race' then count_row.race
            when 'ethnicity' then count_row.ethnicity
            when 'breast_density' then count_row.breast_density
            when 'edition' then count_row.edition
        end as stratum_value
    from core.count_row as count_row
    cross join stratum_name
    where count_row.intent_tier <> 'unresolved' or stratum_name.stratum = 'intent_tier'

),

period as (

    select in_stratum.*, 'all' as period_grain, cast(null as date) as period_start
    from in_stratum
    union all
    select
        in_stratum.*,
        grain.period_grain,
        cast(date_trunc(grain.period_grain, in_stratum.counted_on) as date) as period_start
    from in_stratum
    cross join (
        select unnest(string_split('year;quarter;month', ';')) as period_grain
    ) as grain
    cross join stg.parameter as parameter
    where in_stratum.stratum = 'all' and parameter.deid_mode <> 'relative_days'

),

-- Both measures stand on the page even where nothing was counted: an empty denominator is null, not absent.
counted as (

    select basis, measure, period_grain, period_start, stratum, stratum_value, outcome,
        outcome_without_exception, n_exception
    from period
    union all
    select basis.basis, measure.measure, 'all', null, 'all', 'all', null, null, 0
    from (select unnest(string_split('order;episode', ';')) as basis) as basis
    cross join (
        select unnest(string_split('post_completion;on_treatment', ';')) as measure
    ) as measure

)

select
    measure,
    basis,
    period_grain,
    period_start,
    stratum,
    stratum_value,
    count(*) filter (
        where outcome in (
            'appropriate', 'mixed', 'may_be', 'not_appropriate', 'unrated', 'indeterminate'
        )
    ) as n_index,
    count(*) filter (
        where outcome in ('appropriate', 'mixed', 'may_be', 'not_appropriate')
    ) as n_rated,
    count(*) filter (where outcome in ('unrated', 'indeterminate')) as n_undecided,
    count(*) filter (where outcome = 'appropriate') as n_appropriate,
    count(*) filter (where outcome = 'mixed') as n_mixed,
    count(*) filter (where outcome = 'may_be') as n_may_be,
    count(*) filter (where outcome = 'not_appropriate') as n_not_appropriate,
    count(*) filter (where outcome = 'unrated') as n_unrated,
    count(*) filter (where outcome = 'indeterminate') as n_indeterminate,
    count(*) filter (where outcome = 'end_unknown') as n_end_unknown,
    count(*) filter (where outcome = 'rerouted') as n_rerouted,
    count(*) filter (where outcome = 'excluded') as n_excluded,
    cast(sum(n_exception) as bigint) as n_exception,
    count(*) filter (where outcome_without_exception = 'appropriate') as n_appropriate_without,
    count(*) filter (
        where outcome_without_exception in ('appropriate', 'mixed', 'may_be', 'not_appropriate')
    ) as n_rated_without
from counted
group by all
