"""The session: the cluster that Spark's own environment names, or this machine."""

import os
import re
import warnings
from contextlib import contextmanager

from flows import machine
from flows.errors import SettingsError
from flows.spark.functions import functions

# What decides results, whatever a cluster's own configuration says.
MEANING = {
    # A value that does not fit its type stops the run, as in DuckDB; without it Spark would put null.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    # Relative days may lie before 1582.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    # Spark 4.3 takes its own plan of core.secondary_tally for invalid after this rule, which only tidies names.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases",
}
LEAST = 512  # MiB, for Java to start at all
NAMES_A_CLUSTER = ("SPARK_REMOTE", "SPARK_CONF_DIR", "SPARK_HOME", "MASTER")


@contextmanager
def session(con, settings, folder):
    spark = _started(_builder(settings, folder))
    try:
        for name, value in MEANING.items():
            spark.conf.set(name, value)
        for name, parameters, kind, body in functions(con):
            spark.sql(f"create or replace temporary function {name}({parameters}) returns {kind} return {body}")
        yield spark
    finally:
        spark.stop()


def _builder(settings, folder):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions of pandas, which nothing here uses with Spark
            from pyspark.sql import SparkSession
    except ImportError:
        raise SettingsError(
            "engine = spark needs Apache Spark, which is not installed",
            where="settings, engine",
            next_step="pip install '.[spark]', and Java 17 or later; or run without --engine",
        ) from None
    builder = SparkSession.builder.appName("imaging-order-audit")
    given = {} if any(name in os.environ for name in NAMES_A_CLUSTER) else _alone(settings, folder)
    for name, value in given.items():
        builder = builder.config(name, value)
    return builder


def _started(builder):
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise SettingsError(
            f"Spark did not start ({type(error).__name__})",
            where="SPARK_REMOTE, SPARK_CONF_DIR, JAVA_HOME: whatever names the cluster or, alone, Java 17 or later",
            next_step="see docs/spark.md; or run without --engine spark",
        ) from None


def _alone(settings, folder):
    """This machine: nobody listens from outside, and what is spilled goes with the run's folder."""
    threads = settings.threads or machine.threads()
    return {
        "spark.master": f"local[{threads}]",
        "spark.driver.memory": f"{_mebibytes(settings.memory_limit or machine.memory_limit())}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder / "spill"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": threads,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A task's error may quote a value.
        "spark.log.level": "OFF",
    }


def _mebibytes(limit):
    """DuckDB is idle while Spark works, so that the same limit holds for either."""
    number, unit = re.fullmatch(r"([0-9.]+) ?([KMGT])i?B", limit).groups()
    return max(LEAST, int(float(number) * {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}[unit]))
