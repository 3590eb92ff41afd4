-- One row per order of that id: the rule that put it in its phase.
-- post_completion has two: one for drugs that run to surgery, one for all others.
with

placed as (

    select
        phase.phase,
        case
            when phase.phase <> 'post_completion' then null
            when
                not neoadjuvant_case.is_set_by_cytotoxic
                and exam_line.clock_on >= neoadjuvant_case.surgery_on - parameter.preop_days
                then 'first'
            else 'last'
        end as which
    from core.phase as phase
    inner join core.exam_line as exam_line
        on exam_line.order_id = phase.order_id
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = exam_line.case_id
    cross join stg.parameter as parameter
    where phase.order_id = $order_id

),

rule_of_phase as (

    select
        row,
        phase,
        condition,
        row_number() over (partition by phase order by row) as place,
        row_number() over (partition by phase order by row desc) as place_from_end
    from rule.phase

)

select
    rule_of_phase.row,
    rule_of_phase.phase,
    rule_of_phase.condition
from placed
inner join rule_of_phase
    on rule_of_phase.phase = placed.phase
where
    placed.which is null
    or (placed.which = 'first' and rule_of_phase.place = 1)
    or (placed.which = 'last' and rule_of_phase.place_from_end = 1)
