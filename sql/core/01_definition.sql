-- One row per definition of the measure in the multiverse: each way through the grid of rules/multiverse.csv (SPEC 9).
-- The declared definition is one of them, also where the site's parameters are not on the grid. timing names what places
-- an exam in time, reading what decides which orders count and how; tiers and classes only choose among the cases.
with

grid as (

    select
        window_choice.value as window_days,
        lead_choice.value as completion_lead_days,
        response_choice.value as min_response_days,
        clock_choice.value as clock,
        pet_choice.value as assumed_pet,
        tier_choice.value as tiers,
        class_choice.value as therapy_classes
    from rule.multiverse as window_choice
    cross join rule.multiverse as lead_choice
    cross join rule.multiverse as response_choice
    cross join rule.multiverse as clock_choice
    cross join rule.multiverse as pet_choice
    cross join rule.multiverse as tier_choice
    cross join rule.multiverse as class_choice
    where
        window_choice.axis = 'window_days'
        and lead_choice.axis = 'completion_lead_days'
        and response_choice.axis = 'min_response_days'
        and clock_choice.axis = 'clock'
        and pet_choice.axis = 'assumed_pet'
        and tier_choice.axis = 'tiers'
        and class_choice.axis = 'therapy_classes'

),

-- What is no parameter says itself which of its choices the measure takes.
declared as (

    select
        cast(parameter.window_days as varchar) as window_days,
        cast(parameter.completion_lead_days as varchar) as completion_lead_days,
        cast(parameter.min_response_days as varchar) as min_response_days,
        parameter.clock,
        pet_choice.value as assumed_pet,
        tier_choice.value as tiers,
        class_choice.value as therapy_classes
    from stg.parameter as parameter
    cross join rule.multiverse as pet_choice
    cross join rule.multiverse as tier_choice
    cross join rule.multiverse as class_choice
    where
        pet_choice.axis = 'assumed_pet'
        and pet_choice.is_defined
        and tier_choice.axis = 'tiers'
        and tier_choice.is_defined
        and class_choice.axis = 'therapy_classes'
        and class_choice.is_defined

),

named as (

    select
        *,
        concat_ws('-', window_days, completion_lead_days, min_response_days) as timing,
        concat_ws('-', window_days, completion_lead_days, min_response_days, assumed_pet) as reading,
        concat_ws(
            '-', window_days, completion_lead_days, min_response_days, clock, assumed_pet, tiers, therapy_classes
        ) as definition
    from (
        select * from grid
        union
        select * from declared
    ) as every_definition

)

select
    named.definition,
    named.timing,
    named.reading,
    cast(named.window_days as integer) as window_days,
    cast(named.completion_lead_days as integer) as completion_lead_days,
    cast(named.min_response_days as integer) as min_response_days,
    named.clock,
    named.assumed_pet,
    named.tiers,
    named.therapy_classes,
    declared.window_days is not null as is_declared
from named
left join declared
    on
        declared.window_days = named.window_days
        and declared.completion_lead_days = named.completion_lead_days
        and declared.min_response_days = named.min_response_days
        and declared.clock = named.clock
        and declared.assumed_pet = named.assumed_pet
        and declared.tiers = named.tiers
        and declared.therapy_classes = named.therapy_classes
