-- One row per imaging order line that belongs to a neoadjuvant case, with its label and everything the label rests on.
-- What an earlier release did not say (radiation in mSv, the current edition's rating, the place among orders of another
-- question) stays unknown: null, as nothing is judged anew.
select
    cast(null as varchar) as reroute_scenario,
    cast(null as varchar) as reroute_status,
    cast(null as boolean) as reroute_is_first,
    cast(null as bigint) as reroute_index_rank,
    cast(null as varchar) as rating_current_edition,
    cast(null as varchar) as reroute_rating_current_edition,
    cast(null as double) as radiation_msv_low,
    cast(null as double) as radiation_msv_high,
    cast(null as double) as alternative_msv_low,
    cast(null as double) as alternative_msv_high,
    cast(null as integer) as radiation_level_difference
where false
union all by name
select * from out.order_label
