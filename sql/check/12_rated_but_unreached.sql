-- One row per rating of a procedure that no code, merge or alias reaches, or that is listed so although one does.
-- RUL-12, error: a rating that nothing reaches is a mapping fault, unless rules/unreachable.csv says why.
with

by_code as (

    select distinct procedure
    from rule.imaging
    where procedure is not null

),

-- A merge reaches its procedure where codes of its modality and contrast cover all three regions between them.
by_merge as (

    select body_merge.procedure
    from rule.merge as body_merge
    inner join rule.procedure as procedure
        on
            procedure.merge_modality = body_merge.merge_modality
            and procedure.contrast = body_merge.contrast
    inner join by_code
        on by_code.procedure = procedure.procedure
    group by body_merge.procedure
    having bool_or(procedure.covers_chest) and bool_or(procedure.covers_abdomen) and bool_or(procedure.covers_pelvis)

),

reached as (

    select procedure from by_code
    union
    select procedure from by_merge

),

reached_under as (

    select edition.edition, reached.procedure
    from reached
    cross join rule.edition as edition
    union
    select alias.edition, alias.rated_as as procedure
    from rule.procedure_alias as alias
    inner join reached
        on reached.procedure = alias.procedure

)

select
    case when unreachable.procedure is null then 'rating.csv' else 'unreachable.csv' end as file,
    rating.edition || ', variant ' || rating.variant || ', ' || rating.procedure as row_key,
    case
        when unreachable.procedure is null then 'no code, merge or alias reaches the rated procedure'
        else 'listed as unreachable, yet a code, merge or alias reaches it'
    end as message,
    case
        when unreachable.procedure is null
            then 'map a code to it in value_sets/imaging.csv, or say in unreachable.csv why none can'
        else 'remove the row'
    end as fix
from rule.rating as rating
left join reached_under
    on
        reached_under.edition = rating.edition
        and reached_under.procedure = rating.procedure
left join rule.unreachable as unreachable
    on
        unreachable.edition = rating.edition
        and unreachable.variant = rating.variant
        and unreachable.procedure = rating.procedure
where (reached_under.procedure is null) = (unreachable.procedure is null)
