-- One row per therapy event and the cancer it belongs to, with whether it continues an older exposure (SPEC 3.3).
with

owned as (

    select
        cancer.case_id,
        cancer.diagnosed_on,
        cancer.diagnosed_on - parameter.therapy_grace_days as belongs_from,
        therapy_event.*
    from core.therapy_event as therapy_event
    inner join core.cancer as cancer
        on cancer.patient_id = therapy_event.patient_id
    cross join stg.parameter as parameter
    where cancer.diagnosed_on - parameter.therapy_grace_days <= therapy_event.started_on
    qualify
        row_number() over (
            partition by therapy_event.extract, therapy_event.row_id
            order by cancer.cancer_number desc
        ) = 1

),

prior as (

    select distinct
        cancer.case_id,
        therapy_event.agent,
        therapy_event.therapy_class
    from core.cancer as cancer
    inner join core.therapy_event as therapy_event
        on therapy_event.patient_id = cancer.patient_id
    cross join stg.parameter as parameter
    where
        therapy_event.started_on < cancer.diagnosed_on - parameter.therapy_grace_days
        and therapy_event.covers_to
        >= cancer.diagnosed_on - parameter.therapy_grace_days - parameter.continuation_days

),

continued as (

    select distinct
        owned.extract,
        owned.row_id
    from owned
    inner join prior
        on
            prior.case_id = owned.case_id
            and case
                when
                    prior.agent is not null and owned.agent is not null
                    and prior.therapy_class <> 'endocrine' and owned.therapy_class <> 'endocrine'
                    then prior.agent = owned.agent
                else prior.therapy_class = owned.therapy_class
            end

)

select
    owned.case_id,
    owned.patient_id,
    owned.extract,
    owned.row_id,
    owned.agent,
    owned.therapy_class,
    owned.started_on,
    owned.covers_to,
    owned.intent,
    continued.row_id is not null as is_continuation
from owned
left join continued
    on
        continued.extract = owned.extract
        and continued.row_id = owned.row_id
