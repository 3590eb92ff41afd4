-- One row per episode of the measure that no rating could judge: unrated or indeterminate.
-- They leave the rate and stay in its bounds; what they hide is not assumed.
select
    case_id,
    measure
from out.episode
where measure = $measure and intent_tier <> 'unresolved' and verdict in ('unrated', 'indeterminate')
