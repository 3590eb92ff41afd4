-- One row per exam that carries a coded exception (contraindication, refusal, pregnancy, choice, trial, unavailability).
select
    exam_line.exam_id,
    string_agg(distinct vocabulary.word, ';' order by vocabulary.word) as exception
from core.exam_line as exam_line
inner join core.line_context as line_context
    on line_context.order_id = exam_line.order_id
inner join rule.vocabulary as vocabulary
    on
        vocabulary.vocabulary = 'context'
        and vocabulary.role = 'exception'
        and vocabulary.word = line_context.word
group by exam_line.exam_id
