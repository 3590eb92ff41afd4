-- One row per index order that S2, S3 or S12 counts, with whether the exam that the measure looks for was there:
-- a mammogram beside the ultrasound (S2), a baseline of the same kind (S3), a repeat of the same exam (S12).
with

pair as (

    select
        index_exam.order_id,
        patient_exam.exam_family = 'mammography' as is_mammogram,
        patient_exam.exam_family = index_exam.exam_family as is_same_family,
        patient_exam.purpose,
        patient_exam.is_guidance,
        patient_exam.clock_on - index_exam.index_on as days_after_index,
        patient_exam.clock_on - index_exam.first_dose_on as days_after_first_dose,
        index_exam.surgery_on is null
        or patient_exam.clock_on < index_exam.surgery_on as is_before_surgery
    from core.index_exam as index_exam
    inner join core.patient_exam as patient_exam
        on patient_exam.patient_id = index_exam.patient_id
    where
        (index_exam.may_be_left and patient_exam.may_be_left)
        or (index_exam.may_be_right and patient_exam.may_be_right)

),

met as (

    select distinct 'S2' as measure, pair.order_id
    from pair
    cross join stg.parameter as parameter
    where
        pair.is_mammogram
        and pair.purpose = 'diagnostic'
        and not pair.is_guidance
        and abs(pair.days_after_index) <= parameter.companion_days
    union all
    select distinct 'S3' as measure, pair.order_id
    from pair
    cross join stg.parameter as parameter
    where
        pair.is_same_family
        and pair.purpose in ('diagnostic', 'screening')
        and pair.days_after_first_dose >= -parameter.baseline_lookback_days
        and pair.days_after_first_dose <= parameter.baseline_after_days
        and pair.days_after_index < 0
    union all
    select distinct 'S12' as measure, pair.order_id
    from pair
    cross join stg.parameter as parameter
    where
        pair.is_same_family
        and pair.purpose = 'diagnostic'
        and not pair.is_guidance
        and pair.days_after_index > 0
        and pair.days_after_index <= parameter.repeat_days
        and pair.is_before_surgery

),

counted as (

    select 'S2' as measure, measure as part, order_id, index_on
    from core.index_exam
    where procedure = 'us_breast'
    union all
    select 'S3' as measure, index_exam.measure as part, index_exam.order_id, index_exam.index_on
    from core.index_exam as index_exam
    cross join stg.parameter as parameter
    where
        index_exam.kind = 'mapped'
        and (
            parameter.data_from is null
            or index_exam.first_dose_on - parameter.baseline_lookback_days >= parameter.data_from
        )
    union all
    select 'S12' as measure, measure as part, order_id, index_on
    from core.index_exam
    where kind = 'mapped'

)

select
    counted.measure,
    counted.part,
    counted.order_id as unit_id,
    counted.index_on as counted_on,
    met.order_id is not null as is_met
from counted
left join met
    on
        met.measure = counted.measure
        and met.order_id = counted.order_id
