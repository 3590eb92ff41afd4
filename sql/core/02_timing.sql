-- One row per way to place an exam in time that a definition of the multiverse takes (SPEC 9).
select
    timing,
    window_days,
    completion_lead_days,
    min_response_days,
    bool_or(is_declared) as is_declared
from core.definition
group by timing, window_days, completion_lead_days, min_response_days
