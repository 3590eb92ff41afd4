-- One row per imaging order line of a case, row of the router and reading, with whether the row holds (SPEC 6).
-- Under the reading context_reroutes_put_back rows 8 to 11 hold on the record alone, never on a context word. What goes with
-- an exam and is none asks no question, so these rows pass over it (DECISIONS 113).
with

reading as (

    select 'as_defined' as reading, true as counts_context
    union all
    select 'context_reroutes_put_back' as reading, false as counts_context

)

select
    router_fact.order_id,
    reading.reading,
    router.row,
    case router.row
        when 1 then router_fact.is_cancelled
        when 2 then router_fact.is_under_age
        when 3 then router_fact.is_collapsed
        when 4 then router_fact.is_not_breast_code
        when 5 then router_fact.is_guidance_by_code or router_fact.biopsy_id is not null
        when 6
            then
                router_fact.is_screening_by_code
                or router_fact.says_screening
                or router_fact.screening_code is not null
        when 7 then router_fact.phase in ('before_therapy', 'after_surgery', 'after_window')
        when 8
            then
                router_fact.is_exam
                and (
                    router_fact.progression_id is not null
                    or (reading.counts_context and router_fact.says_progression)
                )
        when 9
            then
                router_fact.is_exam
                and (
                    router_fact.discordance_id is not null
                    or (reading.counts_context and router_fact.says_discordant)
                )
        when 10
            then
                router_fact.is_exam
                and (
                    router_fact.metastasis_code is not null
                    or router_fact.metastasis_id is not null
                    or (reading.counts_context and router_fact.says_metastasis)
                )
        when 11
            then
                router_fact.is_axillary
                or (router_fact.is_exam and reading.counts_context and router_fact.says_axilla)
        when 12 then router_fact.is_other_purpose
        when 13 then router_fact.is_contralateral
        when 14 then router_fact.phase in ('early_treatment', 'end_unknown')
        when 15 then true
    end as holds,
    router.row in (7, 14) as hangs_on_phase
from core.router_fact as router_fact
cross join reading
cross join rule.router as router
