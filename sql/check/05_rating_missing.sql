-- One row per edition that does not have as many ratings as it should.
-- RUL-05, error: a lost row would turn a rated exam into an unrated one.
select
    'rating.csv' as file,
    edition.edition as row_key,
    'the edition has ' || cast(count(rating.procedure) as varchar) || ' ratings where '
    || cast(max(edition.n_ratings) as varchar) || ' are known' as message,
    'restore the missing rows, or correct n_ratings in rules/edition.csv' as fix
from rule.edition as edition
left join rule.rating as rating
    on rating.edition = edition.edition
group by edition.edition
having count(rating.procedure) <> max(edition.n_ratings)
