-- One row per case and measure: the verdict over the index orders, with the strata by which it is counted.
with

tally as (

    select
        case_id,
        measure,
        min(index_on) as index_on,
        count(*) as n_orders,
        count(*) filter (where is_appropriate) as n_appropriate,
        count(*) filter (where not is_appropriate) as n_not_appropriate,
        count(*) filter (where status = 'rated' and is_appropriate is null) as n_may_be,
        count(*) filter (where status = 'unrated') as n_unrated,
        count(*) filter (where status = 'indeterminate') as n_indeterminate,
        count(*) filter (where exception is not null) as n_exception
    from core.index_order
    where reading = 'as_defined'
    group by case_id, measure

)

select
    tally.case_id,
    neoadjuvant_case.patient_id,
    tally.measure,
    tally.index_on,
    case
        when index_unit.outcome = 'appropriate' then 'compliant'
        when index_unit.outcome = 'not_appropriate' then 'non_compliant'
        else index_unit.outcome
    end as verdict,
    tally.* exclude (case_id, measure, index_on),
    episode_stratum.site as site_id,
    episode_stratum.* exclude (case_id, measure, site)
from tally
inner join core.index_unit as index_unit
    on
        index_unit.case_id = tally.case_id
        and index_unit.measure = tally.measure
        and index_unit.reading = 'as_defined'
        and index_unit.basis = 'episode'
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = tally.case_id
inner join core.episode_stratum as episode_stratum
    on
        episode_stratum.case_id = tally.case_id
        and episode_stratum.measure = tally.measure
