-- One row if no diagnosis of the delivery is an invasive breast cancer.
with

invasive as (

    select count(*) as n_rows
    from {batch} as diagnosis
    inner join rule.diagnosis as value_set
        on
            value_set.code_system = diagnosis.code_system
            and value_set.code = diagnosis.code
            and value_set.concept = 'invasive_breast_cancer'

)

select n_rows
from invasive
where n_rows = 0
