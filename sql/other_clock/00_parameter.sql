-- One row per run: the parameters of the measure, but with the other clock.
-- The multiverse asks what the headline would be if the other day decided (SPEC 9): flows/models.py builds the models from
-- the clock to the episode once more on this row, unchanged, into this schema, and drops it when the tables of `out` stand.
select
    parameter.* exclude (clock),
    case parameter.clock when 'ordered' then 'performed' else 'ordered' end as clock
from stg.parameter as parameter
