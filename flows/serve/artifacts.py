"""What Prefect's pages show of an audit, from the released tables alone: they show no more than the exports."""

import polars as pl
from prefect import get_client, runtime
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.headline import BANDS, HIDDEN, MEASURE_WORDS, headline, headline_row
from flows.publish import read_manifest

COUNTS = {
    "orders": "n_index",
    "appropriate": "n_appropriate",
    "mixed": "n_mixed",
    "may be appropriate": "n_may_be",
    "not appropriate": "n_not_appropriate",
    "unrated": "n_unrated",
    "indeterminate": "n_indeterminate",
}


def show(settings, name=None):
    """Name the flow run by what it did, and put the figures beside it. A result that was never published shows nothing."""
    manifest = read_manifest(settings.out)
    if manifest is None:
        return
    tags = {manifest["source"], f"suppression {manifest['suppression']}", f"as of {manifest['as_of']}"}
    with get_client(sync_client=True) as client:
        client.update_flow_run(runtime.flow_run.id, name=name, tags=sorted({*runtime.flow_run.tags, *tags}))
    create_markdown_artifact(headline(settings.out), key="headline", description="Under disclosure control")
    compliance = pl.read_parquet(settings.out / "exports" / "compliance.parquet")
    create_table_artifact(
        [row(name, headline_row(compliance, name)) for name in MEASURE_WORDS],
        key="summary",
        description=f"First imaging orders of all periods, episodes; under disclosure control ({manifest['suppression']})",
    )
    report = settings.notify.report or ""
    if report.startswith(("http://", "https://")):
        create_link_artifact(report, link_text="The report", key="report", description="Under disclosure control")


def row(name, released):
    """A masked cell says so; one that has no value stays empty."""
    if released is None:
        return {"first imaging orders": MEASURE_WORDS[name], "usually appropriate": "no such orders"}
    return {
        "first imaging orders": MEASURE_WORDS[name],
        "usually appropriate": _figure(released),
        "95 % interval": _span(released, "ci_low", "ci_high"),
        "bounds": _span(released, "bound_low", "bound_high"),
        **{said: HIDDEN if released[column] is None else released[column] for said, column in COUNTS.items()},
    }


def _figure(released):
    if released["rate"] is not None:
        return f"about {released['rate']:.0%}" if released["is_rounded"] else f"{released['rate']:.1%}"
    return "withheld" if released["is_withheld"] else BANDS.get(released["rate_band"], HIDDEN)


def _span(released, low, high):
    if released[low] is None or released[high] is None:
        return HIDDEN if released["suppressed"] else ""
    return f"{released[low]:.0%}–{released[high]:.0%}" if released["is_rounded"] else f"{released[low]:.1%}–{released[high]:.1%}"
