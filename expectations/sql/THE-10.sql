-- One row per drug that the value set does not know, counted or not.
select therapy.therapy_id
from {batch} as therapy
left join rule.therapy as value_set
    on
        value_set.code_system = therapy.code_system
        and value_set.code = therapy.code
where value_set.code is null
