-- One row per procedure that a fact may name: the dimension that procedure of the facts leads to.
-- Beside the exams of the rules stand the two words of an episode that are no exam: several, and unmapped.
select
    rule_procedure.procedure,
    rule_procedure.label,
    rule_procedure.modality,
    rule_procedure.exam_family,
    rule_procedure.contrast,
    rule_procedure.response_pool,
    rule_procedure.is_axillary,
    rule_procedure.is_biopsy,
    rule_procedure.radiation_level,
    radiation_level.msv_low,
    radiation_level.msv_high
from rule.procedure as rule_procedure
left join rule.radiation_level as radiation_level
    on radiation_level.level = rule_procedure.radiation_level
union all by name
select
    'several' as procedure,
    'different exams on the index day' as label
union all by name
select
    'unmapped' as procedure,
    'a code that reached no exam' as label
