-- One row per imaging order line of a case and reading: the first router row that holds and what it says (SPEC 6).
with

decided as (

    select
        order_id,
        reading,
        min(row) as router_row
    from core.router_trial
    where holds
    group by order_id, reading

)

select
    decided.order_id,
    decided.reading,
    decided.router_row,
    phase.phase,
    case
        when decided.router_row = 14 and phase.phase = 'end_unknown' then 'indeterminate'
        when decided.router_row = 15 then null
        when decided.router_row between 8 and 11 then 'rerouted'
        else 'excluded'
    end as status,
    case
        when decided.router_row = 1 then 'cancelled'
        when decided.router_row = 2 then 'under_age'
        when decided.router_row = 3 then 'collapsed'
        when decided.router_row = 4 then 'not_breast_code'
        when decided.router_row = 5 then 'guidance'
        when decided.router_row = 6 then 'screening'
        when decided.router_row = 7 and phase.phase = 'after_window' then 'outside_window'
        when decided.router_row = 7 then phase.phase
        when decided.router_row = 8 then 'progression'
        when decided.router_row = 9 then 'discordance'
        when decided.router_row = 10 then 'metastasis'
        when decided.router_row = 11 then 'axilla'
        when decided.router_row = 12 then 'other_purpose'
        when decided.router_row = 13 then 'contralateral'
        when decided.router_row = 14 and phase.phase = 'early_treatment' then 'too_early'
        when decided.router_row = 14 then 'therapy_end_unknown'
    end as reason,
    case
        when decided.router_row = 7 and phase.phase = 'before_therapy' then 'baseline'
        when decided.router_row = 8 then 'clinical_worsening'
        when decided.router_row = 9 then 'discordant_findings'
        when decided.router_row = 10 then 'suspected_metastasis'
        when decided.router_row = 11 then 'axilla'
        when decided.router_row = 15 then 'breast_response'
    end as scenario
from decided
inner join core.phase as phase
    on phase.order_id = decided.order_id
