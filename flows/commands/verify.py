"""The command `verify`: its words, and nothing that takes time to import."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = ("verify audit/exports",)


def verify(exports: Annotated[Path, typer.Argument(help="Folder of exports with its disclosure_proof.json.")]):
    """Prove once more, from the exports alone, that no masked count of 1 to 10 can be worked out of them."""
    from flows import logs
    from flows.proof.prove import verify as again

    logs.talk_on_stderr()
    proof = again(exports)
    if proof["result"] is None:
        typer.echo("Profile none: nothing is masked, so there is nothing to prove. These files stay in the protected zone.")
        return
    tables, files = len(proof["searched"]), len(proof["exports"])
    typer.echo(
        f"{proof['result']['n_masked']:,} masked counts in {tables} tables, none of which can be worked out; {files} files "
        f"are those that were proved. Tables in tens and steps are not searched: {', '.join(proof['not_searched']['tables'])}."
    )
