-- One row per procedure performed before surgery in neoadjuvant cases: exams, and their adult bands added up as a range.
select
    procedure,
    radiation_level,
    cast(sum(n_exams) as bigint) as n_exams,
    count(*) as n_cases,
    round(sum(msv_low), 1) as msv_low,
    round(sum(msv_high), 1) as msv_high,
    cast(sum(n_avoidable) as bigint) as n_avoidable,
    round(sum(avoidable_msv_low), 1) as avoidable_msv_low,
    round(sum(avoidable_msv_high), 1) as avoidable_msv_high
from out.case_radiation
group by procedure, radiation_level
