"""The command `select`: its words, and nothing that takes time to import."""

import typer

from flows import options
from flows.options import AsJson, Rules

EXAMPLE = (
    "select --phase on_treatment --region breast",
    "select --phase before_therapy --region axilla --nodes positive --on 2024-05-01",
    "select --phase post_completion --context metastasis_suspected --json",
    "select --edition 2017 --variant 2 --procedure us_breast",
)


def select(
    phase: options.Phase = None,
    region: options.Region = None,
    nodes: options.Nodes = None,
    axilla_imaged: options.AxillaImaged = None,
    context: options.Context = None,
    edition: options.Edition = None,
    on: options.OnDay = None,
    variant: options.Variant = None,
    procedure: options.Procedure = None,
    rules: Rules = None,
    as_json: AsJson = False,
):
    """Say what the rules hold for a scenario: ratings, radiation, edition, source. About scenarios, never patients."""
    from flows.answers.select import select as answer
    from flows.rules import alone

    asked = {
        "phase": phase,
        "region": region,
        "context": context,
        "nodes": nodes,
        "axilla_imaged": axilla_imaged,
        "edition": edition,
        "on": on,
        "variant": variant,
        "procedure": procedure,
    }
    typer.echo(answer(alone(rules), asked, as_json=as_json))
