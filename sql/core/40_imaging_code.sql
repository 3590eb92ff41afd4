-- One row per imaging code and meaning it has had, with the days on which it is read that way (SPEC 5).
-- A code that only ever had one meaning keeps it outside its valid dates; one whose meaning changed is read by date.
with

meaning as (

    select
        code_system,
        code,
        procedure,
        purpose,
        laterality,
        support,
        requires,
        contrast_assumed,
        min(valid_from) as valid_from,
        case when count(valid_to) = count(*) then max(valid_to) end as valid_to
    from rule.imaging
    group by all

)

select
    *,
    count(*) over (partition by code_system, code) = 1 as has_one_meaning
from meaning
