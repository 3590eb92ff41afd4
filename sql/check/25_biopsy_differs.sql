-- One row per procedure that is one kind of biopsy, clip or localisation by its codes and another, or none, by itself.
-- RUL-25, error: a local code that the site maps to a procedure does what the other codes of the procedure do (DECISIONS 118).
with

by_code as (

    select distinct
        imaging.procedure,
        biopsy.kind,
        biopsy.target,
        biopsy.places_marker
    from rule.biopsy as biopsy
    inner join rule.imaging as imaging
        on
            imaging.code_system = biopsy.code_system
            and imaging.code = biopsy.code
    where
        imaging.procedure is not null
        and biopsy.kind in ('biopsy', 'clip', 'localisation')
        and biopsy.target in ('breast', 'axilla')

),

named as (

    select procedure from by_code
    union
    select procedure from rule.biopsy_procedure

),

paired as (

    select
        named.procedure,
        -- Codes of one procedure may differ in the marker; it says what one of them says.
        count(*) filter (where by_code.kind = own.kind and by_code.target = own.target) = count(*) as is_one_kind,
        count(*) filter (where by_code.places_marker = own.places_marker) > 0 as is_said_of_marker
    from named
    left join by_code
        on by_code.procedure = named.procedure
    left join rule.biopsy_procedure as own
        on own.procedure = named.procedure
    group by named.procedure

)

select
    'biopsy_procedure.csv' as file,
    procedure as row_key,
    'its row and the codes in value_sets/biopsy.csv that reach it do not say the same' as message,
    'give the procedure the kind and target of its codes, and of the marker what one of them says' as fix
from paired
where not is_one_kind or not is_said_of_marker
