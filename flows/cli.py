"""The command line. Results go to stdout, talk to stderr; nothing heavy is imported before it is needed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands import (
    catch_up,
    deliveries,
    doctor,
    health,
    notices,
    query,
    releases,
    select,
    serve,
    tell,
    upgrade,
    verify,
)
from flows.options import AsJson, Out, Rules

EXIT_CODES = """\b
Exit codes
  0  done
  1  unexpected: a defect; the message names the place
  2  the command was not understood
  3  settings: unknown key, wrong value
  4  delivery: missing or empty extract, wrong column, unreadable file
  5  de-identification not declared, or not as declared
  6  too many rows of an extract cannot be read
  7  rules: an invariant is broken
  8  quality gate: a critical check does not hold
  9  publishing: disk, rights, memory, format
 10  another audit is running in the same out folder
 11  not found: order id, run, published result, its proof
 12  unhealthy: no recent success, or a service took no message
141  whoever read the output closed it (as head does): the rest was not written

\b
Example
  imaging-audit demo delivery
  imaging-audit run --extracts delivery --out audit --deid-mode limited_data_set"""

app = typer.Typer(
    help="Was the first imaging order after neoadjuvant breast cancer therapy one that the ACR rates usually appropriate?",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _example(*lines):
    return "\b\nExample\n" + "\n".join(f"  imaging-audit {line}" for line in lines)


@app.command(
    epilog=_example(
        "run --extracts delivery --out audit --deid-mode limited_data_set --as-of 2025-06-30",
        "run --config audit.toml --direct",
    )
)
def run(
    extracts: Annotated[Path | None, typer.Option(help="Folder of the delivery, or of a series of them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; keep it in the protected zone.")] = None,
    deid_mode: Annotated[
        str | None, typer.Option(help="How it was de-identified: relative_days, shifted_dates, limited_data_set.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Last day that the extracts cover.")] = None,
    source: Annotated[str | None, typer.Option(help="Shape of the delivery: delivery, synthea.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in TOML; see audit.example.toml.")] = None,
    rules: Rules = None,
    engine: Annotated[str | None, typer.Option(help="What builds the tables: duckdb, spark; see docs/spark.md.")] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Without Prefect's server: small machines, tests.")] = False,
):
    """Audit a delivery: label every first imaging order, publish the result."""
    from flows import logs
    from flows.attempt import attempted
    from flows.headline import told
    from flows.settings import load_settings

    logs.talk_on_stderr()
    given = {
        "extracts": extracts,
        "out": out,
        "deid_mode": deid_mode,
        "as_of": as_of,
        "source": source,
        "site_rules": rules,
        "engine": engine,
    }
    settings = load_settings(config, **given)
    with attempted(settings):
        if direct:
            from flows.stages import run_direct

            run_direct(settings)
        else:
            run_with_prefect(settings, config, given)
    typer.echo(told(settings.out))


def run_with_prefect(settings, config, given):
    from flows import prefect_home

    home = prefect_home.prepare(settings.out)
    from flows.audit import audit
    from flows.errors import PublishError

    # Source and day as settled, so that the flow run's name says them wherever they were set.
    said = {"source": settings.source, "as_of": settings.as_of and settings.as_of.isoformat()}
    text = {name: str(value) for name, value in given.items() if value is not None}
    try:
        audit(config=config and str(config), **{**text, **{name: value for name, value in said.items() if value}})
    except RuntimeError as error:
        if "ephemeral Prefect API server" not in str(error):
            raise
        step = "run again when the machine has less to do, or with --direct, which needs no server"
        raise PublishError("Prefect's embedded server did not start in time", where=home, next_step=step) from None


@app.command(
    name="check-rules", epilog=_example("check-rules", "check-rules --rules our-rules", "check-rules --write-manifest")
)
def check_rules(
    rules: Rules = None,
    write_manifest: Annotated[
        bool, typer.Option("--write-manifest", help="Write rules/value_set.csv anew first.")
    ] = False,
):
    """Check the invariants of the rules; each finding comes with what mends it."""
    from flows import rules as rulebook
    from flows.check_rules import write_manifest as write_anew
    from flows.errors import RulesError

    if write_manifest:
        typer.echo(f"rules/value_set.csv: {write_anew()} files", err=True)
    findings = rulebook.check_rules(rulebook.alone(rules))
    for finding in findings:
        typer.echo(finding)
    n_errors = sum(finding.severity == "error" for finding in findings)
    if n_errors:
        raise RulesError(f"{n_errors} broken invariant(s)", next_step="each line above says what mends it")
    typer.echo(f"The rules hold, with {len(findings)} warning(s)." if findings else "The rules hold.")


# Each in a module of its own that bears its name.
for each in (serve, catch_up, deliveries, select, query, verify, releases, upgrade, doctor, health, notices, tell):
    name = each.__name__.rpartition(".")[2]
    app.command(name=name.replace("_", "-"), epilog=_example(*each.EXAMPLE), cls=getattr(each, "Command", None))(getattr(each, name))


@app.command(epilog=_example("explain O-000123 --out audit", "explain O-000123 --out audit --json"))
def explain(
    order_id: Annotated[str, typer.Argument(help="Id of an imaging order line, as delivered.")],
    out: Out,
    as_json: AsJson = False,
):
    """Tell the whole story of one label: cancer, course, surgery, phase, router, edition, rating, evidence."""
    import duckdb

    from flows import doors
    from flows.answers import explain as story
    from flows.publish import published_database

    with duckdb.connect(str(published_database(out)), read_only=True, config=doors.ONE_DATABASE) as con:
        typer.echo(story.explain(con, order_id, as_json=as_json).rstrip("\n"))


@app.command(epilog=_example("runs --out audit", "runs --out audit --quality", "runs --out audit --json"))
def runs(
    out: Out,
    quality: Annotated[bool, typer.Option("--quality", help="The checks that ever failed, instead.")] = False,
    as_json: AsJson = False,
):
    """List the runs of a folder, newest last: what went in, the headline as published, the checks, what is still kept."""
    from flows import logs
    from flows.answers import runs as listing

    logs.talk_on_stderr()
    typer.echo((listing.quality if quality else listing.runs)(out, as_json=as_json))


@app.command(epilog=_example("diff previous current --out audit", "diff 89ac6a 1f02bd --out audit --json"))
def diff(
    earlier: Annotated[str, typer.Argument(metavar="RUN", help="Beginning of a run id, or current, previous.")],
    later: Annotated[str, typer.Argument(metavar="RUN", help="The run to compare it with.")],
    out: Out,
    as_json: AsJson = False,
):
    """Explain what moved between two published runs: data, code map, rules, definition; labels and cases. Exact counts."""
    from flows import logs
    from flows.answers.diff import diff as moved

    logs.talk_on_stderr()
    typer.echo(moved(out, earlier, later, as_json=as_json))


@app.command(epilog=_example("demo delivery", "demo delivery --patients 500 --seed 7"))
def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to write; made if absent.")],
    patients: Annotated[int | None, typer.Option(min=1, help="How many patients.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other patients.")] = None,
):
    """Write the example delivery: made-up patients, labelled synthetic."""
    from flows.demo import write_demo
    from flows.errors import safely

    given = {"n_patients": patients, "seed": seed}
    with safely():
        written = write_demo(folder, **{name: value for name, value in given.items() if value is not None})
    typer.echo(f"{folder}: synthetic delivery of " + ", ".join(f"{count:,} {name}" for name, count in written.items()))


@app.command(epilog=_example("version", "version --json"))
def version(as_json: AsJson = False):
    """Say which versions would run."""
    from flows.software import versions

    found = versions()
    typer.echo(json.dumps(found) if as_json else "\n".join(f"{name} {number}" for name, number in found.items()))
