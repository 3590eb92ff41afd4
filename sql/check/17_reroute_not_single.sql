-- One row per situation of a rerouted order for which reroute.csv has no answer, or more than one.
-- RUL-17, error: a rerouted order must find exactly one row, whatever is known of the axilla.
with

asked as (

    select distinct
        reroute.scenario,
        edition.edition,
        phase.word as phase
    from rule.reroute as reroute
    cross join rule.edition as edition
    inner join rule.vocabulary as phase
        on
            phase.vocabulary = 'phase'
            and (
                (reroute.scenario like 'baseline%' and phase.word = 'before_therapy')
                or (
                    reroute.scenario not like 'baseline%'
                    and phase.word in ('early_treatment', 'on_treatment', 'end_unknown', 'post_completion')
                )
            )

),

situation as (

    select
        asked.scenario,
        asked.edition,
        asked.phase,
        nodes.word as nodes,
        earlier.word as has_earlier_axillary_exam
    from asked
    inner join rule.vocabulary as nodes
        on nodes.vocabulary = 'nodes' and nodes.word <> 'any'
    inner join rule.vocabulary as earlier
        on earlier.vocabulary = 'known' and earlier.word <> 'any'

)

select
    'reroute.csv' as file,
    situation.scenario || ', ' || situation.edition || ', ' || situation.phase || ', nodes ' || situation.nodes
    || ', earlier axillary exam ' || situation.has_earlier_axillary_exam as row_key,
    cast(count(reroute.scenario) as varchar) || ' rows answer this situation' as message,
    'add the missing row, or make the rows exclude each other' as fix
from situation
left join rule.reroute as reroute
    on
        reroute.scenario = situation.scenario
        and reroute.edition = situation.edition
        and reroute.phase in ('any', situation.phase)
        and reroute.nodes in ('any', situation.nodes)
        and reroute.has_earlier_axillary_exam in ('any', situation.has_earlier_axillary_exam)
group by
    situation.scenario,
    situation.edition,
    situation.phase,
    situation.nodes,
    situation.has_earlier_axillary_exam
having count(reroute.scenario) <> 1
