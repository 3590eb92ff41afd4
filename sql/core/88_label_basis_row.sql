-- One row per index order of the headline's cases and aspect of its label, with what the label rests on there (DECISIONS 70).
with

rested as (

    select
        index_order.order_id,
        index_order.measure,
        neoadjuvant_case.intent_tier,
        first_event.extract as first_dose_from,
        coalesce(neoadjuvant_case.surgery_source, 'none') as surgery_from,
        index_order.purpose_basis,
        case when exam.laterality is null then 'unknown' else 'known' end as side,
        case
            when index_order.kind = 'unmapped' then 'unmapped'
            when exam_line.contrast_assumed then 'contrast_assumed'
            when line_alias.order_id is not null then 'alias'
            else 'code'
        end as named_by,
        coalesce(index_order.edition, 'none') as edition
    from core.index_order as index_order
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = index_order.case_id
    inner join core.exam_line as exam_line
        on exam_line.order_id = index_order.order_id
    inner join core.exam as exam
        on exam.exam_id = index_order.exam_id
    left join core.line_alias as line_alias
        on line_alias.order_id = index_order.order_id
    left join (
        select
            case_id,
            row_id,
            started_on,
            min(extract) as extract
        from core.course_event
        group by case_id, row_id, started_on
    ) as first_event
        on
            first_event.case_id = index_order.case_id
            and first_event.row_id = neoadjuvant_case.first_dose_id
            and first_event.started_on = neoadjuvant_case.first_dose_on
    where index_order.reading = 'as_defined' and neoadjuvant_case.intent_tier <> 'unresolved'

)

select order_id, measure, 'intent' as aspect, intent_tier as kind from rested
union all
select order_id, measure, 'first_dose' as aspect, first_dose_from as kind from rested
union all
select order_id, measure, 'surgery' as aspect, surgery_from as kind from rested
union all
select order_id, measure, 'purpose' as aspect, purpose_basis as kind from rested
union all
select order_id, measure, 'side' as aspect, side as kind from rested
union all
select order_id, measure, 'procedure' as aspect, named_by as kind from rested
union all
select order_id, measure, 'edition' as aspect, edition as kind from rested
