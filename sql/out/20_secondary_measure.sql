-- One row per secondary measure, part and period: numerator, denominator and rate, beside the headline and never in it.
-- S8 adds the quartiles of its days, S7 the radiation that its numerator could have saved, as a range of adult bands.
select
    tally.measure,
    tally.part,
    tally.period_grain,
    tally.period_start,
    secondary_part.name,
    secondary_part.label,
    secondary_part.unit,
    secondary_part.better,
    secondary_part.sanity_note,
    tally.numerator,
    tally.denominator,
    wilson.rate,
    wilson.ci_low,
    wilson.ci_high,
    tally.median_days,
    tally.q1_days,
    tally.q3_days,
    tally.msv_low,
    tally.msv_high,
    tally.n_unknown_band,
    secondary_part.is_computable,
    secondary_part.position,
    false as suppressed
from core.secondary_tally as tally
inner join core.secondary_part as secondary_part
    on
        secondary_part.measure = tally.measure
        and secondary_part.part = tally.part
left join core.wilson as wilson
    on
        wilson.n_appropriate = tally.numerator
        and wilson.n_rated = tally.denominator
