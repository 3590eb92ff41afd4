-- One row per procedure that the variant rates, best first; with what the other variant says where two could apply.
-- Where the two differ in the category, nobody knows without the nodal status (DECISIONS 46).
with

rated as (

    select *
    from rule.rating
    where
        edition = $edition
        and variant in ($variant, cast($also_variant as varchar))
        and coalesce(procedure = cast($procedure as varchar), true)

),

named as (

    select distinct procedure
    from rated

),

compared as (

    select
        named.procedure,
        own.rating,
        own.rating_score,
        own.strength_of_evidence,
        own.source_locator,
        own.verified,
        other.rating as also_rating,
        other.rating_score as also_rating_score,
        other.source_locator as also_source_locator,
        coalesce(own.radiation_level, other.radiation_level) as radiation_level,
        coalesce(own.radiation_msv, other.radiation_msv) as radiation_msv,
        cast($also_variant as varchar) is null
        or coalesce(own.rating, 'no row') = coalesce(other.rating, 'no row') as stands
    from named
    left join rated as own
        on
            own.procedure = named.procedure
            and own.variant = $variant
    left join rated as other
        on
            other.procedure = named.procedure
            and other.variant = cast($also_variant as varchar)

)

select
    compared.*,
    procedure.label,
    radiation_level.msv_low,
    radiation_level.msv_high,
    case when compared.stands then 'rated' else 'indeterminate' end as status,
    case when not compared.stands then 'nodal_status_unknown' end as reason
from compared
inner join rule.procedure as procedure
    on procedure.procedure = compared.procedure
left join rule.radiation_level as radiation_level
    on radiation_level.level = compared.radiation_level
order by
    compared.stands desc,
    case coalesce(compared.rating, compared.also_rating)
        when 'usually_appropriate' then 1
        when 'may_be_appropriate' then 2
        when 'may_be_appropriate_disagreement' then 3
        else 4
    end,
    coalesce(compared.rating_score, compared.also_rating_score) desc,
    procedure.label,
    compared.procedure
