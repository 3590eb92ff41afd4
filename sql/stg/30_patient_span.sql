-- One row per patient of any extract: the last day that is read and the last day covered for that person.
-- With a true calendar the delivery has one as_of and a person may be covered for less; without one each
-- person has a time axis of their own, so that the person's last date stands for both (DECISIONS 1).
with

dated as (

    select patient_id, ordered_on as day from stg.order_read where problems is null
    union all
    select patient_id, performed_on as day from stg.order_read where problems is null
    union all
    select patient_id, diagnosed_on as day from stg.diagnosis_read where problems is null
    union all
    select patient_id, started_on as day from stg.therapy_read where problems is null
    union all
    select patient_id, performed_on as day from stg.procedure_read where problems is null
    union all
    select patient_id, reported_on as day from stg.finding_read where problems is null
    union all
    select patient_id, null as day from stg.patient_read where problems is null
    union all
    select patient_id, ordered_on as day from raw.other_order
    union all
    select patient_id, performed_on as day from raw.other_order

),

person as (

    select
        patient_id,
        max(day) as last_on
    from dated
    group by patient_id

),

observed as (

    select
        patient_id,
        observed_to
    from stg.patient_read
    where problems is null and not is_exact_copy

),

delivery as (

    select max(last_on) as last_on
    from person

)

select
    person.patient_id,
    case
        when parameter.has_calendar then coalesce(parameter.declared_as_of, delivery.last_on)
        else coalesce(observed.observed_to, person.last_on)
    end as as_of,
    case
        when parameter.has_calendar
            then least(
                coalesce(observed.observed_to, parameter.declared_as_of, delivery.last_on),
                coalesce(parameter.declared_as_of, delivery.last_on)
            )
        else coalesce(observed.observed_to, person.last_on)
    end as covered_to
from person
left join observed
    on observed.patient_id = person.patient_id
cross join delivery
cross join stg.parameter as parameter
