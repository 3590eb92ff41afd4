-- One row per case or episode that S1, S8 or S10 counts: response imaging before surgery (S1), the days between last dose,
-- index day and surgery (S8), an MRI in the window (S10).
with

episode as (

    select
        measure,
        case_id,
        min(index_on) as index_on,
        min(last_dose_on) as last_dose_on,
        min(surgery_on) as surgery_on
    from core.index_exam
    group by measure, case_id

),

responded as (

    select
        response_order.case_id,
        response_order.measure,
        count(*) filter (where procedure.modality = 'mr') > 0 as has_mri
    from core.response_order as response_order
    inner join core.exam_line as exam_line
        on exam_line.order_id = response_order.order_id
    left join rule.procedure as procedure
        on procedure.procedure = exam_line.procedure
    where response_order.reading = 'as_defined'
    group by response_order.case_id, response_order.measure

),

imaged as (

    select distinct case_id
    from responded

),

interval_of as (

    select
        'last_dose_to_index' as part,
        case_id,
        index_on as counted_on,
        index_on - last_dose_on as days
    from episode
    where measure = 'post_completion'
    union all
    select
        'index_to_surgery' as part,
        case_id,
        surgery_on as counted_on,
        surgery_on - index_on as days
    from episode
    where measure = 'post_completion' and surgery_on is not null
    union all
    select
        'last_dose_to_surgery' as part,
        case_id,
        surgery_on as counted_on,
        surgery_on - last_dose_on as days
    from core.counted_case
    where surgery_on is not null

)

select
    'S1' as measure,
    'all' as part,
    neoadjuvant_case.case_id as unit_id,
    neoadjuvant_case.surgery_on as counted_on,
    imaged.case_id is not null as is_met
from core.neoadjuvant_case as neoadjuvant_case
left join imaged
    on imaged.case_id = neoadjuvant_case.case_id
where neoadjuvant_case.is_case and neoadjuvant_case.is_operated_after
union all by name
select
    'S8' as measure,
    interval_of.part,
    interval_of.case_id as unit_id,
    interval_of.counted_on,
    interval_of.days <= parameter.timely_days as is_met,
    interval_of.days
from interval_of
cross join stg.parameter as parameter
union all by name
select
    'S10' as measure,
    episode.measure as part,
    episode.case_id as unit_id,
    episode.index_on as counted_on,
    responded.has_mri as is_met
from episode
inner join responded
    on
        responded.case_id = episode.case_id
        and responded.measure = episode.measure
