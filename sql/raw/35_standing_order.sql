-- One row per row of orders that stands, with whether it may be counted without being kept (DECISIONS 105).
-- That needs three things: its person has no code of invasive breast cancer, so that it cannot be of a case; it can be
-- read as it stands, so that nothing of it belongs in quarantine; and no other row bears its key. In doubt it is kept:
-- the shapes asked for here are the plain ones, and whatever else stg.order_read can read is left to stg.order_read.
with

-- Systems under their own name; any other way of writing one is read later.
named_system as (

    select code_system
    from rule.code_system
    where written = lower(code_system)

),

standing as (

    select
        orders.*,
        cast(hash(trim(orders.order_id)) >> 1 as bigint) as key_number,
        case
            when is_relative
                then case
                    when regexp_full_match(orders.ordered_on, '[+-]?[0-9]{1,6}')
                        then cast('2000-01-01' as date) + cast(orders.ordered_on as integer)
                end
            when regexp_full_match(orders.ordered_on, '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?')
                then cast(try_cast(orders.ordered_on as timestamp) as date)
        end as ordered_day,
        case
            when is_relative
                then case
                    when regexp_full_match(orders.scheduled_on, '[+-]?[0-9]{1,6}')
                        then cast('2000-01-01' as date) + cast(orders.scheduled_on as integer)
                end
            when regexp_full_match(orders.scheduled_on, '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?')
                then cast(try_cast(orders.scheduled_on as timestamp) as date)
        end as scheduled_day,
        case
            when is_relative
                then case
                    when regexp_full_match(orders.performed_on, '[+-]?[0-9]{1,6}')
                        then cast('2000-01-01' as date) + cast(orders.performed_on as integer)
                end
            when regexp_full_match(orders.performed_on, '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?')
                then cast(try_cast(orders.performed_on as timestamp) as date)
        end as performed_day
    from delivered.orders as orders
    left join raw.superseded_row as superseded_row
        on
            superseded_row.extract = 'orders'
            and superseded_row.part = orders.part
            and superseded_row.line = orders.line
    cross join (select deid_mode = 'relative_days' as is_relative from rule.run) as run
    where superseded_row.part is null

),

marked as (

    select
        standing.*,
        cancer_person.patient_id is null
        and repeated_order.key_number is null
        and trim(standing.order_id) <> ''
        and trim(standing.patient_id) = standing.patient_id
        and standing.ordered_day is not null
        and (standing.scheduled_on is null or standing.scheduled_day is not null)
        and (standing.performed_on is null or standing.performed_day is not null)
        and standing.code_system in (select code_system from named_system)
        and case standing.code_system
            when 'CPT' then regexp_full_match(standing.code, '[0-9]{4}[0-9A-Z]')
            when 'HCPCS' then regexp_full_match(standing.code, '[A-Z][0-9]{4}')
            else regexp_full_match(standing.code, '[0-9A-Z]+')
        end
        and (
            standing.order_type is null
            or standing.order_type in (select word from rule.vocabulary where vocabulary = 'order_type')
        )
        and (
            standing.status is null
            or standing.status in (select word from rule.vocabulary where vocabulary = 'status')
        )
        and (
            standing.laterality is null
            or standing.laterality in (select word from rule.vocabulary where vocabulary = 'laterality')
        )
        and (
            standing.context is null
            or standing.context in (select word from rule.vocabulary where vocabulary = 'context')
        ) as may_be_set_aside
    from standing
    left join raw.cancer_person as cancer_person
        on cancer_person.patient_id = trim(standing.patient_id)
    left join raw.repeated_order as repeated_order
        on repeated_order.key_number = standing.key_number

)

select
    *,
    may_be_set_aside is true as is_set_aside
from marked
