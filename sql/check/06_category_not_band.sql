-- One row per rating whose category is not the band of its number.
-- RUL-06, error: 7 to 9 is usually appropriate, 4 to 6 may be (5 where the panel disagrees), 1 to 3 usually not.
select
    'rating.csv' as file,
    edition || ', variant ' || variant || ', ' || procedure as row_key,
    rating || ' does not go with ' || cast(rating_score as varchar) as message,
    'read the row in its source again and correct the category or the number' as fix
from rule.rating
where
    case rating
        when 'usually_appropriate' then rating_score not between 7 and 9
        when 'may_be_appropriate' then rating_score not between 4 and 6
        when 'may_be_appropriate_disagreement' then rating_score <> 5
        when 'usually_not_appropriate' then rating_score not between 1 and 3
        else true
    end
