"""The versions that would run."""

from importlib.metadata import version

SOFTWARE = ("imaging-order-audit", "duckdb", "polars", "great-expectations", "prefect")


def versions():
    return {name: version(name) for name in SOFTWARE}
