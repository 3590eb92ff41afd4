"""The versions that would run."""

from importlib.metadata import version

SOFTWARE = ("imaging-order-audit", "duckdb", "polars", "great-expectations", "prefect")
# The engine gives the same tables, so it names no run; what it was is said beside the versions.
ENGINES = {"duckdb": (), "spark": ("pyspark", "sqlglot")}


def versions(engine="duckdb"):
    return {name: version(name) for name in (*SOFTWARE, *ENGINES[engine])}
