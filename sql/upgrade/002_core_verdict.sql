-- One row per imaging order line of a case, question and edition, with the verdict under that edition (SPEC 7).
-- Until format 2 only editions that could have been in force were asked, and only orders of the measure itself: what the
-- columns say that came later. Nothing is judged anew.
with

was as (

    select
        cast(null as boolean) as is_of_measure,
        cast(null as boolean) as could_be_in_force,
        cast(null as boolean) as is_current
    where false
    union all by name
    select * from core.verdict

),

newest as (

    select edition
    from core.edition_span
    where edition is not null and next_from is null

)

select
    was.* replace (
        coalesce(was.is_of_measure, true) as is_of_measure,
        coalesce(was.could_be_in_force, true) as could_be_in_force,
        coalesce(was.is_current, was.edition is not null and was.edition = newest.edition) as is_current
    )
from was
cross join newest
