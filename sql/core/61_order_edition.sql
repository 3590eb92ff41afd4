-- One row per imaging order line of a case and edition that could have been in force on the day of the order,
-- or is the current one: the second reading of history asks what that one would have said (DECISIONS 48).
-- With a true calendar exactly one could have been in force; with shifted dates every edition within max_shift_days
-- of a change; with relative days every edition (SPEC 1, DECISIONS 12). edition is null for the time before the first.
with

possible as (

    select distinct
        exam_line.order_id,
        case
            when parameter.edition_override is not null then parameter.edition_override
            else edition_span.edition
        end as edition
    from core.phase as phase
    inner join core.exam_line as exam_line
        on exam_line.order_id = phase.order_id
    cross join stg.parameter as parameter
    cross join core.edition_span as edition_span
    where
        case
            when parameter.deid_mode = 'relative_days' then true
            when parameter.deid_mode = 'shifted_dates'
                then
                    (
                        edition_span.effective_from is null
                        or edition_span.effective_from
                        <= exam_line.ordered_on + parameter.max_shift_days
                    )
                    and (
                        edition_span.next_from is null
                        or edition_span.next_from >= exam_line.ordered_on - parameter.max_shift_days
                    )
            else
                (
                    edition_span.effective_from is null
                    or edition_span.effective_from <= exam_line.ordered_on
                )
                and (edition_span.next_from is null or edition_span.next_from > exam_line.ordered_on)
        end
        -- Where the settings say that all orders are later, the time before the first edition is left only to orders
        -- that no shift could have moved there.
        and (
            edition_span.edition is not null
            or parameter.has_calendar
            or parameter.all_orders_after_first_edition is not true
            or (
                parameter.deid_mode = 'shifted_dates'
                and exam_line.ordered_on + parameter.max_shift_days < edition_span.next_from
            )
        )

),

newest as (

    select edition
    from core.edition_span
    where edition is not null and next_from is null

)

select
    possible.order_id,
    possible.edition,
    true as could_be_in_force,
    possible.edition is not null and possible.edition = newest.edition as is_current
from possible
cross join newest
union all
select
    phase.order_id,
    newest.edition,
    false as could_be_in_force,
    true as is_current
from core.phase as phase
cross join newest
left join possible
    on
        possible.order_id = phase.order_id
        and possible.edition = newest.edition
where possible.order_id is null
