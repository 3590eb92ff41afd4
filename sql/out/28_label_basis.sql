-- One row per measure, aspect of the label and kind of evidence: on how many index orders the label rests on it.
select
    measure,
    aspect,
    kind,
    count(*) as n_index,
    count(*) / cast(sum(count(*)) over (partition by measure, aspect) as double) as share
from core.label_basis_row
group by measure, aspect, kind
