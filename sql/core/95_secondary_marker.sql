-- One row per case and part of S5: was the tumor marked with a clip by the first dose (DECISIONS 56)?
-- certain counts what says that a marker was placed, possible also a biopsy whose code may include one: the truth lies between.
with

marker as (

    select
        patient_id,
        day,
        may_be_left,
        may_be_right,
        places_marker = 'yes' as is_certain
    from core.biopsy_day
    where
        target = 'breast'
        and places_marker in ('yes', 'possible')
    union all
    select
        patient_id,
        reported_on as day,
        laterality is null or laterality in ('left', 'bilateral') as may_be_left,
        laterality is null or laterality in ('right', 'bilateral') as may_be_right,
        true as is_certain
    from stg.finding
    where finding = 'clip_seen'

),

marked as (

    select
        counted_case.case_id,
        bool_or(marker.is_certain) as is_certain
    from core.counted_case as counted_case
    inner join marker
        on marker.patient_id = counted_case.patient_id
    cross join stg.parameter as parameter
    where
        marker.day >= counted_case.diagnosed_on - parameter.workup_days
        and marker.day <= counted_case.first_dose_on
        and (
            (marker.may_be_left and counted_case.may_be_left)
            or (marker.may_be_right and counted_case.may_be_right)
        )
    group by counted_case.case_id

)

select
    'S5' as measure,
    part.part,
    counted_case.case_id as unit_id,
    counted_case.first_dose_on as counted_on,
    marked.case_id is not null and (marked.is_certain or part.part = 'possible') as is_met
from core.counted_case as counted_case
cross join (select unnest(string_split('certain;possible', ';')) as part) as part
left join marked
    on marked.case_id = counted_case.case_id
