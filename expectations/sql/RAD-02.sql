-- One row per procedure whose exams or cases are not those of its cases.
with

counted as (

    select
        procedure,
        n_exams,
        1 as n_cases,
        n_avoidable
    from out.case_radiation
    union all
    select
        procedure,
        -n_exams as n_exams,
        -n_cases as n_cases,
        -n_avoidable as n_avoidable
    from {batch}

)

select procedure
from counted
group by procedure
having sum(n_exams) <> 0 or sum(n_cases) <> 0 or sum(n_avoidable) <> 0
