-- One row per course: its first and last dose, its classes and what it says of intent (SPEC 3.5, 3.6, 3.9).
-- Deciding events are those of chemotherapy or of an unnamed infusion where the course has any, else all.
with

event as (

    select
        course_event.*,
        candidate_start.candidate_start_on,
        candidate_start.candidate_therapy_id,
        case
            when case_surgery.surgery_on > candidate_start.candidate_start_on
                then case_surgery.surgery_on - 1
        end as cut_on,
        course_event.therapy_class in ('chemotherapy', 'unspecified') as is_cytotoxic,
        bool_or(course_event.therapy_class in ('chemotherapy', 'unspecified')) over (
            partition by course_event.case_id
        ) as has_cytotoxic
    from core.course_event as course_event
    inner join core.candidate_start as candidate_start
        on candidate_start.case_id = course_event.case_id
    left join core.case_surgery as case_surgery
        on case_surgery.case_id = course_event.case_id

),

cut as (

    select
        event.*,
        least(event.covers_to, coalesce(event.cut_on, event.covers_to)) as ends_on,
        event.is_cytotoxic or not event.has_cytotoxic as is_deciding
    from event

)

select
    case_id,
    min(candidate_start_on) as candidate_start_on,
    min(candidate_therapy_id) as candidate_therapy_id,
    min(started_on) filter (where is_deciding) as first_dose_on,
    max(ends_on) filter (where is_deciding) as last_dose_on,
    max(ends_on) as last_cover_on,
    bool_or(has_cytotoxic) as is_set_by_cytotoxic,
    count(*) as n_events,
    bool_or(intent is not null and intent = 'neoadjuvant') as is_explicit,
    bool_or(intent is not null and intent = 'adjuvant') as has_adjuvant_intent,
    bool_or(intent is not null and intent = 'palliative') as has_palliative_intent,
    bool_or(therapy_class = 'chemotherapy') as has_chemotherapy,
    bool_or(therapy_class in ('her2_targeted', 'targeted_other')) as has_targeted,
    bool_or(therapy_class = 'immunotherapy') as has_immunotherapy,
    bool_or(therapy_class = 'unspecified') as has_unspecified,
    bool_or(therapy_class = 'endocrine') as has_endocrine,
    bool_and(therapy_class in ('endocrine', 'targeted_other')) as is_endocrine_or_other_targeted,
    count(distinct started_on) filter (where therapy_class <> 'endocrine') as n_dose_days,
    max(ends_on - started_on) filter (where therapy_class <> 'endocrine') as longest_cover_days,
    max(ends_on) filter (where therapy_class = 'endocrine')
    - min(started_on) filter (where therapy_class = 'endocrine') as endocrine_days
from cut
group by case_id
