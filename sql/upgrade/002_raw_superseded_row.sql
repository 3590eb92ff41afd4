-- One row per row of a series that a later delivery supersedes. None: until format 2 nothing read a series.
select
    cast(null as varchar) as extract,
    cast(null as varchar) as row_id,
    cast(null as varchar) as patient_id,
    cast(null as varchar) as part,
    cast(null as bigint) as line,
    cast(null as varchar) as delivery,
    cast(null as varchar) as superseded_by
where false
