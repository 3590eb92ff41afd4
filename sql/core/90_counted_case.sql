-- One row per neoadjuvant case of the headline's tiers, with the days and sides that secondary measures ask for (SPEC 8).
-- Cases of the tier unresolved stand beside the headline: of the secondary measures S1 alone counts them (DECISIONS 51).
select
    case_id,
    patient_id,
    diagnosed_on,
    laterality,
    may_be_left,
    may_be_right,
    first_dose_on,
    last_dose_on,
    surgery_on,
    covered_to
from core.neoadjuvant_case
where is_case and intent_tier <> 'unresolved'
