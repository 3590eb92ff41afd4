-- One row per code that reaches two procedures or purposes on the same day.
-- RUL-11, error: a code reaches one procedure; where its meaning changed, the days must not overlap.
select
    'value_sets/imaging.csv' as file,
    one.code_system || ' ' || one.code as row_key,
    'the code reaches ' || coalesce(one.procedure, 'no procedure') || ' (' || one.purpose || ') and '
    || coalesce(other.procedure, 'no procedure') || ' (' || other.purpose || ') on the same day' as message,
    'keep one of the rows, or end the older one with valid_to before the newer begins' as fix
from rule.imaging as one
inner join rule.imaging as other
    on
        other.code_system = one.code_system
        and other.code = one.code
        and coalesce(one.procedure, '') || ' ' || one.purpose < coalesce(other.procedure, '') || ' ' || other.purpose
        and coalesce(one.valid_from, date '0001-01-01') <= coalesce(other.valid_to, date '9999-12-31')
        and coalesce(other.valid_from, date '0001-01-01') <= coalesce(one.valid_to, date '9999-12-31')
