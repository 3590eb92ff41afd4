-- One row per rating whose band in mSv is not that of its radiation level.
-- RUL-23, error: ranges are added up by level, so a level and its band must say the same.
select
    'rating.csv' as file,
    rating.edition || ', ' || rating.variant || ', ' || rating.procedure as row_key,
    'level ' || cast(rating.radiation_level as varchar) || ' stands beside ' || coalesce(rating.radiation_msv, 'no band')
    || ' mSv' as message,
    'correct the level or the band; the bands of the levels stand in rules/radiation_level.csv' as fix
from rule.rating as rating
left join rule.radiation_level as band
    on band.level = rating.radiation_level
where
    rating.radiation_level is not null
    and (
        band.level is null
        or rating.radiation_msv is null
        or cast(string_split(rating.radiation_msv, '-')[1] as double) <> band.msv_low
        or cast(string_split(rating.radiation_msv, '-')[-1] as double) <> band.msv_high
    )
