-- One row per case and other question that its orders asked: the verdict over the first orders (DECISIONS 49).
-- Beside the measure, never in it: clinical worsening and discordance have no variant and stay unrated.
with

tally as (

    select
        case_id,
        scenario,
        min(index_on) as index_on,
        count(*) as n_orders,
        count(*) filter (where is_appropriate) as n_appropriate,
        count(*) filter (where not is_appropriate) as n_not_appropriate,
        count(*) filter (where status = 'rated' and is_appropriate is null) as n_may_be,
        count(*) filter (where status = 'unrated') as n_unrated,
        count(*) filter (where status = 'indeterminate') as n_indeterminate
    from core.scenario_order
    where is_first
    group by case_id, scenario

)

select
    tally.case_id,
    neoadjuvant_case.patient_id,
    tally.scenario,
    tally.index_on,
    case
        when scenario_unit.outcome = 'appropriate' then 'compliant'
        when scenario_unit.outcome = 'not_appropriate' then 'non_compliant'
        else scenario_unit.outcome
    end as verdict,
    tally.* exclude (case_id, scenario, index_on)
from tally
inner join core.scenario_unit as scenario_unit
    on
        scenario_unit.case_id = tally.case_id
        and scenario_unit.scenario = tally.scenario
        and scenario_unit.basis = 'episode'
inner join core.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = tally.case_id
