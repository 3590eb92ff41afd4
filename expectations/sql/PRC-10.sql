-- One row if no procedure of the delivery is a definitive breast surgery.
with

surgery as (

    select count(*) as n_rows
    from {batch} as procedure
    inner join rule.surgery as value_set
        on
            value_set.code_system = procedure.code_system
            and value_set.code = procedure.code
            and value_set.definitive in ('yes', 'conditional')

)

select n_rows
from surgery
where n_rows = 0
