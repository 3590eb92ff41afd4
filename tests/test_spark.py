"""DuckDB, Spark and the oracle give the same tables of the same random deliveries: not one cell differs.

One session of Spark costs as much as all its models together, so that one delivery of many patients serves the file.
"""

import itertools
import os
import sys
from types import SimpleNamespace

import conftest
import differential
import duckdb
import pipeline
import pytest
import test_differential

from flows import models
from flows.errors import SettingsError
from flows.spark import engine, translate
from flows.spark.session import MEANING, session

HERE = SimpleNamespace(threads=2, memory_limit="1200MiB")
# Compiling 160 plans for a few thousand rows costs far more than running them as they are.
QUICK = (
    "--driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' --conf spark.sql.codegen.wholeStage=false "
    "--conf spark.sql.codegen.factoryMode=NO_CODEGEN pyspark-shell"
)
DAYS = {"stg": {"one": {"d": "DATE", "e": "DATE", "n": "INTEGER", "a": "VARCHAR", "b": "VARCHAR"}}}
NUMBERS = ["12.5", "1e2", "5", "+5", "-5", "1d", "1f", "inf", "nan", "-nan", "+inf", "Infinity", "iNF", "NaN", "infinit", "1_000", ".5", "5.", "0x1F", "0b101", "-0x1F", "0x", "0xG", "-", "+", "1.4999999", "2.5", "-2.5", "1e-1", "1.55e1", "5,1", "1E2", "1e", "e1", "1e+2", "1.5.", "..5", ".", "+.5", "1._5", "1_.5", "1.5_0", "1__0", "_1", "1_", "0.1e1", "1e1_0", "5L", "true", "00012", "1e400", "4.9e-324", "1e30", "1e10", "0.5", "-0.5", "−5", "٣", "2147483647", "2147483648", "-2147483648", "2147483647.4", "2147483647.5", "0.30000000000000004", "123456789012345678901234567890"] + ["", "\t5", "5\t", "5\n", "5 6", " 5", "5\xa0"]
DATES = ["2020-02-30", "2020-02-29", "0001-01-01", "9999-12-31", "2020-13-01", "2020-00-10", "2020-01-00", "1582-10-10"]
CLOCKS = ["00:00", "23:59", "24:00", "24:00:00", "24:00:00.0", "24:00:01", "24:01", "25:00", "12:60", "12:59:60", "12:59:59.1", "12:59:59.1234567", "23:59:59.9999999", "23:59:59.123456789012"]
TIMES = [f"{day}{between}{clock}" for day in ("2020-03-08", "1850-01-01", "2020-02-30") for between in "T " for clock in CLOCKS]
LETTERS = [chr(place) for place in range(1, 0x2600) if place != 0x27]
WORDS = ["".join(pieces) for pieces in itertools.product(["", "a", "ß", "İ", "ΑΣ", "ŉx", "ﬁ"], ["", "É ", "\xa0", "\u3000 b", "\u200b", "\tb"])]
TEXTS = sorted({*LETTERS, *WORDS})
READINGS = {
    "trim(x)": ("audit_trim(x)", TEXTS),
    "upper(x)": ("audit_upper(x)", TEXTS),
    "lower(x)": ("audit_lower(x)", TEXTS),
    "try_cast(x as integer)": ("audit_read_integer(x)", NUMBERS),
    "try_cast(x as double)": ("audit_read_double(x)", NUMBERS),
    "try_cast(x as date)": ("audit_read_date(x)", DATES),
    "cast(try_cast(x as timestamp) as date)": ("cast(audit_read_instant(x) as date)", TIMES),
    **{
        f"cast(timezone('{zone}', timezone('UTC', try_cast(x as timestamp))) as date)": (f"cast(audit_clock_in('{zone}', audit_read_instant(x)) as date)", TIMES)
        for zone in ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
    },
}


@pytest.fixture(scope="module")
def quick():
    """Not for the cluster of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as changed:
        for name in ("SPARK_REMOTE", "SPARK_CONF_DIR", "SPARK_HOME", "MASTER"):
            changed.delenv(name, raising=False)
        changed.setenv("PYSPARK_SUBMIT_ARGS", QUICK)
        yield


@pytest.fixture(scope="module")
def read_alike(quick, tmp_path_factory):
    """Texts read by both engines: {reading: [(text, DuckDB's, Spark's)]}."""
    folder, con = tmp_path_factory.mktemp("texts"), duckdb.connect()
    with session(con, HERE, folder) as spark:
        for number, (other, texts) in enumerate(READINGS.values()):
            con.execute(f"create table t{number} as select unnest(?::varchar[]) as x", [texts])
            con.execute(f"copy t{number} to '{folder}/given{number}.parquet'")
            made = spark.read.parquet(f"{folder}/given{number}.parquet").selectExpr("x", f"{other} as y")
            made.write.parquet(f"{folder}/made{number}")
        return {
            one: con.execute(
                f"select given.x, {one.replace('(x', '(given.x')}, made.y from t{number} as given "
                f"join '{folder}/made{number}/*.parquet' as made on made.x = given.x"
            ).fetchall()
            for number, one in enumerate(READINGS)
        }


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reading", READINGS)
def test_a_text_is_read_alike(read_alike, reading):
    rows = read_alike[reading]
    assert len(rows) == len(READINGS[reading][1])
    assert len({str(one) for _, one, _ in rows}) > 2, "nothing was read"
    assert [(text, one, other) for text, one, other in rows if str(one) != str(other)] == []


def unlike(con, other):
    """Tables of the two that differ, with how many rows each has that the other lacks; doubles to nine decimals."""
    tables = [f"{schema}.{models.table_name(path)}" for schema, path, _ in models.steps() if schema in models.SCHEMAS]
    found = {}
    for table in tables:
        ours, theirs = counted(con, table), counted(other, table)
        if ours != theirs:
            found[table] = (len(ours.items() - theirs.items()), len(theirs.items() - ours.items()))
    return found, len(tables)


def counted(con, table):
    shape = con.execute(f"describe {table}").fetchall()
    columns = ", ".join(f'round("{name}", 9)' if kind == "DOUBLE" else f'"{name}"' for name, kind, *_ in shape)
    rows = con.execute(f"select {columns}, count(*) from {table} group by all").fetchall()
    return {(tuple(row[:2] for row in shape), row[:-1]): row[-1] for row in rows} or {tuple(row[:2] for row in shape): 0}


def on_spark(delivery, settings, folder):
    """In two steps, as an audit does it: between them stands the gate."""

    def build(con):
        engine.build(con, HERE, folder, ("stg",))
        engine.build(con, HERE, folder, ("core", "out"))

    return pipeline.audit(delivery, build=build, **differential.for_sql(settings))


def compared(name, seed, n_patients, folder):
    settings = test_differential.SETTINGS[name]
    delivery = test_differential.delivery(seed, n_patients, settings)
    con, other = pipeline.audit(delivery, **differential.for_sql(settings)), on_spark(delivery, settings, folder)
    found, n_tables = unlike(con, other)
    assert n_tables > 100
    assert con.execute("select count(*) from out.order_label").fetchall()[0][0] > n_patients
    assert found == {}
    assert differential.from_oracle(other, delivery, settings) == []
    con.close()
    other.close()


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_duckdb_spark_and_the_oracle_agree(quick, tmp_path):
    compared("site in New York", "on spark", 400, tmp_path)
    assert not (tmp_path / "spark").exists(), "rows of patients stay in the run's folder"


@pytest.mark.deep
@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", test_differential.SETTINGS)
def test_duckdb_spark_and_the_oracle_agree_on_many(quick, tmp_path, name):
    """12 settings × 1,000 patients."""
    compared(name, f"many on spark {name}", 1000, tmp_path)


@pytest.mark.deep
@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_the_whole_audit_publishes_the_same(quick, example, audited, tmp_path):
    out = tmp_path / "out"
    conftest.audit(example, out, engine="spark", threads=2, memory_limit="1200MiB")
    with duckdb.connect(str(audited / "audit.duckdb"), read_only=True) as con, duckdb.connect(str(out / "audit.duckdb"), read_only=True) as other:
        assert unlike(con, other)[0] == {}
        assert '"pyspark"' in other.execute("select versions from out.audit_run").fetchall()[0][0]
    ours, theirs = ({path.name: path.read_bytes() for path in (folder / "exports").glob("*.csv")} for folder in (audited, out))
    timed = {"audit_run.csv", "quality_result.csv"}
    assert len(ours) > 10
    assert {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)} <= timed
    assert (audited / "current").resolve().name == (out / "current").resolve().name, "the same audit has the same name"


def test_a_day_minus_a_day_is_a_number():
    text = "select (d - e) - n as one, d - n - (e - d) as two, d - (e - n) as three, (d - e) - (e - d) as four from stg.one"
    made = " ".join(translate.translate(text, translate.readable(DAYS)).split())
    assert "( DATEDIFF(one.d, one.e) ) - one.n AS one" in made
    assert "one.d - one.n - ( DATEDIFF(one.e, one.d) ) AS two" in made
    assert "DATEDIFF(one.d, ( one.e - one.n )) AS three" in made
    assert "( DATEDIFF(one.d, one.e) ) - ( DATEDIFF(one.e, one.d) ) AS four" in made


def test_a_union_by_name_fills_what_an_arm_lacks():
    text = "select a, n from stg.one union all by name select b, a from stg.one union all by name select d from stg.one"
    made = " ".join(translate.translate(text, translate.readable(DAYS)).split())
    assert made.split(" UNION ALL ") == [
        "SELECT one.a AS a, one.n AS n, CAST(NULL AS STRING) AS b, CAST(NULL AS DATE) AS d FROM stg__one AS one",
        "SELECT one.a AS a, CAST(NULL AS INT) AS n, one.b AS b, CAST(NULL AS DATE) AS d FROM stg__one AS one",
        "SELECT CAST(NULL AS STRING) AS a, CAST(NULL AS INT) AS n, CAST(NULL AS STRING) AS b, one.d AS d FROM stg__one AS one",
    ]


def test_every_model_is_said_in_sparks_words():
    con = pipeline.audit({})
    known = translate.readable(engine.shapes_of(con))
    made = [translate.translate(text, known) for *_, text in models.steps()]
    con.close()
    assert not [text for text in made if "BY NAME" in text or "QUALIFY" in text or " TRIM(" in text or "TRY_CAST(" in text]


def test_without_spark_it_is_said_what_to_install(command, example, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    code, out, err = command("run", "--direct", "--engine", "spark", "--config", example / "audit.toml", "--extracts", example, "--out", tmp_path / "out")
    assert (code, out) == (SettingsError.exit_code, "")
    assert "pip install '.[spark]'" in err
    assert not os.path.exists(tmp_path / "out" / "current")


def test_what_decides_results_is_not_left_to_a_cluster():
    assert MEANING["spark.sql.ansi.enabled"] == "true"
    assert MEANING["spark.sql.session.timeZone"] == "UTC"
