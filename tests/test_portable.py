"""The models stay inside what means the same on Apache Spark; each rule is shown to refuse what it is there for."""

from functools import cache

import pipeline
import portable
import pytest

from flows import models
from flows.spark import translate
from flows.spark.engine import shapes_of

STEPS = [(f"{schema}/{path.name}", path, text) for schema, path, text in models.steps()]
TABLE = {"stg": {"one": {"a": "VARCHAR", "b": "VARCHAR", "n": "INTEGER", "d": "DATE", "x": "DOUBLE", "t": "BOOLEAN"}}}
REFUSED = {
    "select one.a from stg.one as one asof join stg.one as two on one.d >= two.d": "asof",
    "select list(a order by b) as many from stg.one": "not among",
    "select quantile_cont(n, 0.5) as half from stg.one": "not among",
    "select {'a': a} as both from stg.one": "not among",
    "select list_transform([1], lambda n: n + 1) as more from stg.one": "not among",
    "select strftime(d, '%Y') as written from stg.one": "not among",
    "select n // 2 as half from stg.one": "not among",
    "select n % 2 as rest from stg.one": "not among",
    "select arg_min(a, d) as a from stg.one": "not among",
    "select d = a as is_same from stg.one": "day and text",
    "select n = a as is_same from stg.one": "text and whole",
    "select n in ('1') as is_in from stg.one": "text and whole",
    "select coalesce(n, a) as either from stg.one": "text and whole",
    "select case when t then n else a end as either from stg.one": "text or whole",
    "select n + a as total from stg.one": "reckons with",
    "select n + d as day from stg.one": "day first",
    "select d + x as day from stg.one": "reckons with",
    "select a || d as text from stg.one": "no text",
    "select concat_ws(';', a, x) as text from stg.one": "no text",
    "select n * 0.5 as half from stg.one": "decimals",
    "select a = 'x\\y' as is_same from stg.one": "backslash",
    "select cast(x as varchar) as text from stg.one": "number to text",
    "select cast(d as varchar) as text from stg.one": "day to text",
    "select cast(x as integer) as n from stg.one": "number to whole",
    "select cast(a as integer) as n from stg.one": "text to whole",
    "select cast(a as date) as day from stg.one": "text to day",
    "select try_cast(a as date) as day from stg.one": "01_date_text",
    "select try_cast(a as boolean) as t from stg.one": "to truth",
    "select count(distinct (a, b)) as n from stg.one": "not among",
    "select count(distinct a, b) as n from stg.one": "several expressions",
    "select string_agg(distinct a, ';' order by a) filter (where t) as text from stg.one": "under a filter",
    "select string_agg(a, ';') over (partition by b) as text from stg.one": "no order",
    "select year(date_trunc('year', d) + interval '1 year') as later from stg.one": "of time",
    "select sum(x) as total from stg.one": "not rounded",
    "select unnest(string_split(a, 'ab')) as part from stg.one": "more than one character",
    "select lower(unnest(string_split(a, ';'))) as part from stg.one": "column of their own",
    "select unnest(string_split(a, ';')) as left_part, unnest(string_split(b, ';')) as right_part from stg.one": "two in one",
    "select regexp_full_match(a, '\\d+') as is_number from stg.one": "read alike",
    "select regexp_full_match(a, b) as is_so from stg.one": "written out",
    "select regexp_replace(a, 'x', '') as text from stg.one": "at the end",
    "select string_agg(a, ';') as text from stg.one": "distinct x",
    "select string_agg(distinct a, ';' order by a desc) as text from stg.one": "descending",
    "select string_agg(distinct a, ';' order by b) as text from stg.one": "distinct x",
    "select row_number() over (partition by a) as place from stg.one": "no order",
    "select trim(a, 'x') as text from stg.one": "named characters",
    "select replace(a, b, '') as text from stg.one": "no constant",
    "select replace(a, '', 'x') as text from stg.one": "of nothing",
    "select date_trunc('year', d) as year_start from stg.one": "cast it to a day",
    "select timezone('UTC', now()) as instant from stg.one": "not among",
    "select a, count(*) as n from stg.one group by rollup (a)": "not among",
    "select a from stg.one order by a limit 1": "no order",
    "select a like b escape '!' as is_so from stg.one": "not among",
    "select max_by(a, n) as a from stg.one": "not among",
    "select last_day(d) as day from stg.one": "not among",
    "select columns('a') from stg.one": "not among",
    "select random() as chance from stg.one": "not among",
}


@cache
def known():
    con = pipeline.audit({})
    found = translate.readable(shapes_of(con))
    con.close()
    return found


@cache
def resolved(text):
    return translate.resolved(text, known())


@pytest.mark.parametrize(("place", "text"), [(place, text) for place, _, text in STEPS], ids=[place for place, *_ in STEPS])
def test_the_model_means_the_same_on_spark(place, text):
    assert list(portable.findings(resolved(text), place)) == []


@pytest.mark.parametrize("text", REFUSED)
def test_what_would_mean_something_else_is_refused(text):
    said = " / ".join(portable.findings(translate.resolved(text, translate.readable(TABLE)), "core/00_made_up.sql"))
    assert REFUSED[text] in said


def test_every_word_of_the_list_is_used():
    used = {type(node).__name__ for _, _, text in STEPS for node in resolved(text).walk()}
    assert not {*portable.SAME, *portable.PLAIN} - used, "nobody needs it: take it off the list"
    assert portable.ADDED.keys() | portable.NUMBERS_AS_TEXT | portable.DAYS_AS_TEXT <= {place for place, *_ in STEPS}
