-- One row per exposure to an antineoplastic that counts, with the days it covers (SPEC 3.2).
with

row_of_therapy as (

    select
        'therapies' as extract,
        therapy.therapy_id as row_id,
        therapy.patient_id,
        therapy.started_on,
        therapy.ended_on,
        therapy.days_supply,
        therapy.intent,
        therapy.status,
        value_set.agent,
        value_set.therapy_class
    from stg.therapy as therapy
    inner join rule.therapy as value_set
        on
            value_set.code_system = therapy.code_system
            and value_set.code = therapy.code
            and value_set.is_counted
    where therapy.status is null or therapy.status not in ('cancelled', 'entered_in_error')
    union all
    select
        'orders' as extract,
        order_line.order_id as row_id,
        order_line.patient_id,
        order_line.event_on as started_on,
        null as ended_on,
        null as days_supply,
        null as intent,
        order_line.status,
        value_set.agent,
        value_set.therapy_class
    from stg.order_line as order_line
    inner join rule.therapy as value_set
        on
            value_set.code_system = order_line.code_system
            and value_set.code = order_line.code
            and value_set.is_counted
    where order_line.status is null or order_line.status = 'completed'
    union all
    select
        'diagnoses' as extract,
        diagnosis.diagnosis_id as row_id,
        diagnosis.patient_id,
        diagnosis.diagnosed_on as started_on,
        null as ended_on,
        null as days_supply,
        null as intent,
        null as status,
        null as agent,
        case value_set.concept
            when 'chemotherapy_encounter' then 'chemotherapy'
            else 'immunotherapy'
        end as therapy_class
    from stg.diagnosis as diagnosis
    inner join rule.diagnosis as value_set
        on
            value_set.code_system = diagnosis.code_system
            and value_set.code = diagnosis.code
            and value_set.concept in ('chemotherapy_encounter', 'immunotherapy_encounter')

)

select
    row_of_therapy.extract,
    row_of_therapy.row_id,
    row_of_therapy.patient_id,
    row_of_therapy.agent,
    row_of_therapy.therapy_class,
    row_of_therapy.started_on,
    greatest(
        row_of_therapy.started_on,
        coalesce(
            row_of_therapy.ended_on,
            case when row_of_therapy.status = 'active' then patient_span.as_of end,
            row_of_therapy.started_on - 1 + case
                when row_of_therapy.days_supply >= 1 then row_of_therapy.days_supply
                when row_of_therapy.therapy_class = 'endocrine' then parameter.oral_supply_days
                else parameter.default_supply_days
            end
        )
    ) as covers_to,
    row_of_therapy.intent
from row_of_therapy
inner join core.cancer_patient as cancer_patient
    on cancer_patient.patient_id = row_of_therapy.patient_id
inner join stg.patient_span as patient_span
    on patient_span.patient_id = row_of_therapy.patient_id
left join core.named_drug_day as named_drug_day
    on
        named_drug_day.patient_id = row_of_therapy.patient_id
        and named_drug_day.day = row_of_therapy.started_on
cross join stg.parameter as parameter
where
    named_drug_day.patient_id is null
    or case row_of_therapy.therapy_class
        when 'unspecified' then false
        when 'endocrine' then row_of_therapy.agent is not null or not named_drug_day.has_ovarian_suppression
        else true
    end
