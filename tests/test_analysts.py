"""docs/analysts.md is tried as it stands: every query, every command of ours, every join of the star."""

import re
import shlex

import duckdb
import pipeline
import pytest

from flows import ROOT

PAGE = (ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^\*\*([^*\n]+)\*\*[^\n]*\n\n```sql\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\.venv/bin/imaging-audit (.+)$", PAGE, flags=re.MULTILINE)
JOINS = re.findall(r"^\| `(out\.\w+)` \|[^|]*\| `(\w+)` \| `(out\.\w+)` \| `(\w+)` \|$", PAGE, flags=re.MULTILINE)
DIMENSIONS = ("site", "imaging_procedure", "rating_edition", "calendar_day")


@pytest.fixture
def published(audited):
    """Open for one test: DuckDB lets one process have a file under one configuration only."""
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con:
        yield con


def test_the_page_holds_what_is_tried_here():
    assert len(QUERIES) == PAGE.count("```sql") >= 15
    assert len(COMMANDS) == PAGE.count("imaging-audit query ") >= 5
    assert len(JOINS) == len(re.findall(r"^\| `out\.\w+` \|", PAGE, flags=re.MULTILINE)) >= 20


@pytest.mark.parametrize(("question", "sql"), QUERIES, ids=[question for question, _ in QUERIES])
def test_query_answers(published, question, sql):
    rows = published.execute(sql).fetchall()
    assert rows, question
    assert any(value is not None for row in rows for value in row)


@pytest.mark.parametrize("line", COMMANDS)
def test_command_answers(command, audited, line):
    code, out, err = command(*[str(audited) if word == "RESULTS" else word for word in shlex.split(line)])
    assert code == 0, err
    assert len(out.splitlines()) > 2
    assert "protected zone" in err


def test_the_headline_by_hand_is_the_headline(published):
    by_name = dict(QUERIES)
    by_hand = published.execute(by_name["The headline by hand"]).fetchall()[0]
    told = published.execute(by_name["The headline as the audit has it"]).fetchall()[0]
    assert by_hand == pytest.approx(told[:6])
    assert 0 < by_hand[1] < by_hand[2] < by_hand[0], "an example in which the three counts differ"


def test_the_trend_adds_up_to_the_headline(published):
    trend = published.execute(dict(QUERIES)["The trend"]).fetchall()
    told = published.execute("select n_index from out.compliance where measure = 'post_completion' and basis = 'episode' and period_grain = 'all' and stratum = 'all'")
    assert [(sum(row[2] for row in trend if row[1] == "post_completion"),)] == told.fetchall()


@pytest.mark.parametrize(("fact", "key", "dimension", "column"), JOINS, ids=lambda word: word.removeprefix("out."))
def test_every_key_leads_to_one_row(published, fact, key, dimension, column):
    check_join(published, fact, key, dimension, column)


def check_join(con, fact, key, dimension, column):
    twice = con.execute(f"select {column} from {dimension} group by 1 having count(*) > 1 or {column} is null").fetchall()
    assert not twice, f"{dimension}.{column} is no key"
    lost = con.execute(f"select count(*) from {fact} where {key} is not null and {key} not in (select {column} from {dimension})").fetchall()
    assert lost == [(0,)], f"{fact}.{key} names what {dimension} does not hold"


def test_the_joins_are_all_that_there_are(published):
    """A dimension is reached from every column of its name, or the page forgot one."""
    keys = {"site_id": "out.site", "procedure": "out.imaging_procedure", "edition": "out.rating_edition"}
    for fact in ("out.order_label", "out.episode"):
        columns = {name for name, *_ in published.execute(f"describe {fact}").fetchall()}
        days = {name: "out.calendar_day" for name in columns if name.endswith("_on")}
        expected = {(name, table) for name, table in {**keys, **days}.items() if name in columns}
        assert expected <= {(key, dimension) for table, key, dimension, _ in JOINS if table == fact}


def test_dimensions_hold_no_person(published):
    for table in DIMENSIONS:
        columns = {name for name, *_ in published.execute(f"describe out.{table}").fetchall()}
        assert not columns & {"patient_id", "case_id", "order_id", "ordering_provider_id"}


def test_the_calendar_has_whole_years_without_gaps(published):
    first, last, n_days, n_years = published.execute(
        "select min(day), max(day), count(*), count(distinct calendar_year) from out.calendar_day"
    ).fetchall()[0]
    assert (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    assert n_days == (last - first).days + 1
    assert n_years == last.year - first.year + 1


def test_the_calendar_starts_periods_where_compliance_does(published):
    for grain in ("month", "quarter", "year"):
        lost = published.execute(
            f"select period_start from out.compliance where period_grain = '{grain}' and period_start not in (select {grain}_start from out.calendar_day)"
        )
        assert lost.fetchall() == []


def test_the_star_holds_without_a_calendar():
    """Under relative_days a day has no year, an order may name no site, and an edition may be any."""
    con = pipeline.audit(WITHOUT_CALENDAR, deid_mode="relative_days", all_orders_after_first_edition=True)
    try:
        assert con.execute("select edition, site_id, procedure from out.episode").fetchall() == [("any", "unknown", "us_breast")]
        for join in JOINS:
            check_join(con, *join)
        years = con.execute("select distinct calendar_year, year_start, quarter_start, month_start, is_true_date from out.calendar_day")
        assert years.fetchall() == [(None, None, None, None, False)]
        assert con.execute("select site_id, is_known, n_orders, n_cases from out.site").fetchall() == [("unknown", False, 0, 1)]
        assert con.execute("select site_id from out.order_label").fetchall() == [(None,)]
    finally:
        con.close()


WITHOUT_CALENDAR = {
    "diagnoses": [{"diagnosis_id": "d1", "patient_id": "p1", "code_system": "ICD10CM", "code": "C50.912", "diagnosed_on": 0}],
    "therapies": [
        {"therapy_id": f"t{day}", "patient_id": "p1", "code_system": "HCPCS", "code": "J9000", "started_on": day, "ended_on": day}
        for day in (20, 60, 100)
    ],
    "procedures": [{"procedure_id": "s1", "patient_id": "p1", "code_system": "CPT", "code": "19301", "performed_on": 140}],
    "orders": [
        {"order_id": "o1", "patient_id": "p1", "code_system": "CPT", "code": "76642", "order_type": "imaging", "ordered_on": 105, "performed_on": 110}
    ],
}


def test_any_duckdb_since_1_0_reads_the_file(published):
    (tags,) = published.execute("select tags['storage_version'] from duckdb_databases() where database_name = 'audit'").fetchall()[0]
    assert tags.startswith("v1.0.0"), "docs/analysts.md says so"


def test_the_uri_of_superset_reads_and_does_not_write(audited):
    import sqlalchemy

    (uri,) = re.findall(r"^duckdb://\S+$", PAGE, flags=re.MULTILINE)
    engine = sqlalchemy.create_engine(uri.replace("/path/to/RESULTS", str(audited)))
    try:
        with engine.connect() as con:
            assert con.execute(sqlalchemy.text("select count(*) from out.episode")).scalar() > 0
            with pytest.raises(sqlalchemy.exc.ProgrammingError, match="read-only"):
                con.execute(sqlalchemy.text("create table more (a int)"))
    finally:
        engine.dispose()


def test_a_reader_and_a_writer_cannot_both_have_it(audited, tmp_path):
    """What the page says of locks: two that read share the file, one that writes keeps the others out."""
    import shutil
    import subprocess
    import sys

    copy = tmp_path / "copy.duckdb"
    shutil.copy(audited / "audit.duckdb", copy)
    opens = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'read')"

    def another(how):
        return subprocess.run([sys.executable, "-c", opens, copy, how], capture_output=True, text=True, check=False)

    with duckdb.connect(str(copy), read_only=True):
        assert another("read").returncode == 0
        assert "Could not set lock" in another("write").stderr
    with duckdb.connect(str(copy)):
        assert "Could not set lock" in another("read").stderr
