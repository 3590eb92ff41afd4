-- One row per edition that a fact may name: the dimension that edition of the facts leads to.
-- Beside the editions of the rules stand any (all that could have been in force agree) and none (no edition applied).
select
    edition.edition,
    edition.title as label,
    edition.citation,
    edition.effective_from,
    edition_span.next_from,
    edition_span.next_from is null as is_current
from rule.edition as edition
inner join core.edition_span as edition_span
    on edition_span.edition = edition.edition
union all by name
select
    'any' as edition,
    'every edition that could have been in force, which all agree' as label
union all by name
select
    'none' as edition,
    'no edition in force, or none known to be' as label
