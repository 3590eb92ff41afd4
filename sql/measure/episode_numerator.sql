-- One row per compliant episode of the measure: at least one index order usually appropriate, and none not appropriate.
select
    case_id,
    measure
from out.episode
where measure = $measure and intent_tier <> 'unresolved' and verdict = 'compliant'
