-- One row per exam: the union of its lines' sides, context words and reason codes (SPEC 5).
with

side as (

    select
        exam_id,
        bool_or(is_left) as is_left,
        bool_or(is_right) as is_right
    from core.exam_line
    group by exam_id

),

context as (

    select
        exam_line.exam_id,
        bool_or(line_context.word = 'response_assessment') as says_response,
        bool_or(line_context.word = 'screening') as says_screening,
        bool_or(line_context.word = 'progression_suspected') as says_progression,
        bool_or(line_context.word = 'discordant_findings') as says_discordant,
        bool_or(line_context.word = 'metastasis_suspected') as says_metastasis,
        bool_or(line_context.word = 'axilla_evaluation') as says_axilla
    from core.exam_line as exam_line
    inner join core.line_context as line_context
        on line_context.order_id = exam_line.order_id
    group by exam_line.exam_id

),

reason as (

    select
        exam_line.exam_id,
        min(line_reason.code) filter (where line_reason.concept = 'screening_encounter')
            as screening_code,
        min(line_reason.code) filter (where line_reason.concept = 'distant_metastasis')
            as metastasis_code
    from core.exam_line as exam_line
    inner join core.line_reason as line_reason
        on line_reason.order_id = exam_line.order_id
    group by exam_line.exam_id

)

select
    side.exam_id,
    side.is_left,
    side.is_right,
    case
        when side.is_left and side.is_right then 'bilateral'
        when side.is_left then 'left'
        when side.is_right then 'right'
    end as laterality,
    side.is_left or not side.is_right as may_be_left,
    side.is_right or not side.is_left as may_be_right,
    context.exam_id is not null and context.says_response as says_response,
    context.exam_id is not null and context.says_screening as says_screening,
    context.exam_id is not null and context.says_progression as says_progression,
    context.exam_id is not null and context.says_discordant as says_discordant,
    context.exam_id is not null and context.says_metastasis as says_metastasis,
    context.exam_id is not null and context.says_axilla as says_axilla,
    reason.screening_code,
    reason.metastasis_code
from side
left join context
    on context.exam_id = side.exam_id
left join reason
    on reason.exam_id = side.exam_id
