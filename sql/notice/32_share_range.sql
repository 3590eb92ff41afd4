-- One row per share of this run that earlier runs had too: both, and how far chance may carry the one from the other.
-- Wilson's interval of each, joined as Newcombe does (1998, method 10): it holds for small denominators and for 0 and 1.
with

shared as (

    select distinct fact
    from rule.notice
    where comparison in ('share_rose', 'share_moved')

),

pair as (

    select
        fact.fact,
        fact.subject,
        fact.n / fact.of_n as now,
        fact.of_n,
        usual.share as was,
        usual.of_n as was_of_n,
        run.z
    from notice.fact as fact
    inner join shared
        on shared.fact = fact.fact
    inner join notice.usual as usual
        on
            usual.fact = fact.fact
            and usual.subject = fact.subject
    cross join notice.run as run
    where fact.of_n > 0 and usual.of_n > 0 and usual.share is not null

),

ends as (

    select
        fact,
        subject,
        now,
        was,
        (now + z * z / (2 * of_n)) / (1 + z * z / of_n) as now_middle,
        z * sqrt(now * (1 - now) / of_n + z * z / (4 * of_n * of_n)) / (1 + z * z / of_n) as now_reach,
        (was + z * z / (2 * was_of_n)) / (1 + z * z / was_of_n) as was_middle,
        z * sqrt(was * (1 - was) / was_of_n + z * z / (4 * was_of_n * was_of_n)) / (1 + z * z / was_of_n) as was_reach
    from pair

)

select
    fact,
    subject,
    now,
    was,
    was + sqrt(pow(now - (now_middle - now_reach), 2) + pow(was_middle + was_reach - was, 2)) as high,
    was - sqrt(pow(now_middle + now_reach - now, 2) + pow(was - (was_middle - was_reach), 2)) as low
from ends
