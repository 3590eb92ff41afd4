-- One row per episode of the measure: a case whose first response imaging orders are judged together.
-- Cases whose neoadjuvant intent nobody can tell any more (tier unresolved) are not in the headline.
select
    case_id,
    measure
from out.episode
where measure = $measure and intent_tier <> 'unresolved'
