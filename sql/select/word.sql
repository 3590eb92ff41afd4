-- One row per option of select and word that it takes; a variant is a word of its edition only.
select
    'phase' as option,
    phase as word,
    null as edition
from rule.phase
union
select
    'region' as option,
    body_region as word,
    null as edition
from rule.variant
union
-- The axillary biopsy is a question of its own before therapy, although its region is the axilla.
select
    'region' as option,
    replace(scenario, 'baseline_', '') as word,
    null as edition
from rule.reroute
where scenario like 'baseline_%'
union
select
    'nodes' as option,
    word,
    null as edition
from rule.vocabulary
where vocabulary = 'nodes' and word <> 'any'
union
-- Context words that lead to a question of their own; the axilla is a region here.
select
    'context' as option,
    vocabulary.word,
    null as edition
from rule.vocabulary as vocabulary
inner join rule.router as router
    on router.reason = vocabulary.role
where vocabulary.vocabulary = 'context' and router.scenario <> 'axilla'
union
select
    'procedure' as option,
    procedure as word,
    null as edition
from rule.procedure
union
select
    'edition' as option,
    edition as word,
    null as edition
from rule.edition
union
select
    'variant' as option,
    variant as word,
    edition
from rule.variant
order by option, edition, word
