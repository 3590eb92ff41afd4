-- One row per procedure that is asked about: the name under which the variant would rate it, and what holds if it does not.
-- The words are those of the verdict (sql/core/64_verdict.sql).
select
    procedure.procedure,
    procedure.label,
    coalesce(alias.rated_as, procedure.procedure) as rated_as,
    alias.note,
    case
        when variant.scenario_group <> 'breast_response' then 'unrated'
        when procedure.contrast = 'unspecified' and procedure.modality = 'mr' then 'indeterminate'
        else 'unrated'
    end as status,
    case
        when variant.scenario_group <> 'breast_response' then 'no_matching_variant'
        when procedure.contrast = 'unspecified' and procedure.modality = 'mr' then 'contrast_unspecified'
        else 'not_rated_in_variant'
    end as reason
from rule.procedure as procedure
inner join rule.variant as variant
    on
        variant.edition = $edition
        and variant.variant = $variant
left join rule.procedure_alias as alias
    on
        alias.edition = variant.edition
        and alias.procedure = procedure.procedure
        and alias.scope in ('any', variant.body_region)
where procedure.procedure = $procedure
