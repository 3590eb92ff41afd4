-- One row per exam of a neoadjuvant case that was performed before surgery, with its band of radiation (DECISIONS 66).
-- Bands are those of a standard adult; where the level of a procedure is not known the band is null, never 0.
with

performed as (

    select
        exam_line.order_id,
        exam_line.case_id,
        exam_line.clock_on,
        coalesce(line_alias.alias_procedure, exam_line.procedure, 'unmapped') as procedure
    from core.exam_line as exam_line
    inner join core.phase as phase
        on phase.order_id = exam_line.order_id
    left join core.line_alias as line_alias
        on line_alias.order_id = exam_line.order_id
    left join rule.no_exam as no_exam
        on no_exam.procedure = exam_line.procedure
    where
        exam_line.exam_id = exam_line.order_id
        and no_exam.procedure is null
        and exam_line.kind <> 'not_breast_code'
        and phase.phase <> 'after_surgery'
        and (exam_line.status is null or exam_line.status not in ('cancelled', 'entered_in_error'))
        and (exam_line.performed_on is not null or exam_line.status = 'completed')

)

select
    performed.order_id,
    performed.case_id,
    performed.clock_on,
    performed.procedure,
    procedure.radiation_level,
    band.msv_low,
    band.msv_high,
    response_order.measure,
    response_order.rating,
    -- Only what was rated not appropriate could have been avoided: an exam that no rating speaks of is not counted so.
    response_order.rating is not null and response_order.rating = 'usually_not_appropriate' as is_avoidable,
    rated_band.msv_low as rated_msv_low,
    rated_band.msv_high as rated_msv_high,
    -- Where either band is unknown, so is what could have been avoided: greatest() alone would make it 0.
    case
        when rated_band.msv_low - alternative_band.msv_high is not null
            then greatest(0, rated_band.msv_low - alternative_band.msv_high)
    end as avoidable_msv_low,
    case
        when rated_band.msv_high - alternative_band.msv_low is not null
            then greatest(0, rated_band.msv_high - alternative_band.msv_low)
    end as avoidable_msv_high
from performed
left join rule.procedure as procedure
    on procedure.procedure = performed.procedure
left join rule.radiation_level as band
    on band.level = procedure.radiation_level
left join core.response_order as response_order
    on
        response_order.order_id = performed.order_id
        and response_order.reading = 'as_defined'
left join core.alternative as alternative
    on alternative.order_id = performed.order_id
left join rule.radiation_level as rated_band
    on rated_band.level = response_order.radiation_level
left join rule.radiation_level as alternative_band
    on alternative_band.level = alternative.alternative_radiation_level
