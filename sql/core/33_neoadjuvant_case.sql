-- One row per cancer of a patient with an invasive diagnosis: is it a neoadjuvant case, and if not, why (SPEC 3.6-3.9).
-- The reasons are tried in the order of the SPEC and the first that applies stands.
with

judged as (

    select
        *,
        case
            when not has_course then 'no_therapy_in_time'
            when is_operated_first or radiation_id is not null then 'surgery_first'
            when metastasis_id is not null then 'metastatic_at_start'
            when
                (has_adjuvant_intent or has_palliative_intent) and not is_explicit
                and (has_palliative_intent or not is_operated_in_time)
                then 'other_intent'
            when
                surgery_on is null and has_endocrine
                and is_endocrine_or_other_targeted and not is_explicit
                then 'unoperated_endocrine'
            when is_diagnosed_too_early and surgery_on is null and not is_explicit
                then 'not_observable'
            when
                surgery_on is not null and not is_explicit
                and n_dose_days < min_doses
                and coalesce(longest_cover_days, -1) < min_course_days
                and coalesce(endocrine_days, -1) < min_endocrine_days
                then 'limited_exposure'
        end as not_case_reason
    from core.case_fact

)

select
    case_id,
    patient_id,
    cancer_number,
    diagnosed_on,
    next_diagnosed_on,
    laterality,
    may_be_left,
    may_be_right,
    first_dose_on,
    last_dose_on,
    last_cover_on,
    candidate_start_on,
    surgery_on,
    is_operated_after,
    is_operated_in_time,
    is_set_by_cytotoxic,
    case
        when not_case_reason in ('no_therapy_in_time', 'surgery_first') then null
        else is_closed
    end as is_closed,
    case
        when not_case_reason in ('no_therapy_in_time', 'surgery_first') then null
        when is_explicit then 'explicit'
        when is_operated_in_time then 'inferred'
        when covered_to - last_cover_on > surgery_max_days then 'unresolved'
        else 'presumptive'
    end as intent_tier,
    case
        when has_chemotherapy then 'chemotherapy'
        when has_targeted then 'targeted'
        when has_immunotherapy then 'immunotherapy'
        when has_unspecified then 'unspecified'
        when has_endocrine then 'endocrine'
    end as therapy_class,
    cast(has_chemotherapy as integer) + cast(has_targeted as integer)
    + cast(has_immunotherapy as integer) + cast(has_unspecified as integer)
    + cast(has_endocrine as integer) > 1 as is_combination,
    has_adjuvant_intent and is_operated_after as is_intent_conflict,
    not_case_reason is null as is_case,
    not_case_reason,
    as_of,
    covered_to,
    coalesce(n_events, 0) as n_events,
    diagnosis_id,
    candidate_therapy_id,
    first_dose_id,
    last_dose_id,
    surgery_id,
    surgery_source,
    metastasis_id,
    radiation_id,
    intent_id,
    planned_surgery_id
from judged
