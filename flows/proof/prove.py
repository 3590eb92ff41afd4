"""The proof that goes with the exports: nobody who sees them all can work out a masked count of 1 to 10.

It reads the published Parquet files alone, with the sums that are known to hold (flows/proof/laws.py), and looks for two
worlds that differ in each masked count (flows/proof/worlds.py). Whoever receives a release can do the same again: `verify`.
"""

import json

from flows import formats
from flows.errors import NotFoundError, PublishError
from flows.proof import laws, worlds
from flows.workspace import sha256

NAME = "disclosure_proof.json"
LIMIT = {"cms": 10, "nhs": 7}
SLACK = {"nhs": 2}  # counts are rounded to 5
ROUNDED = (
    "tables in tens and steps are not searched: the laws of rounding and the attacker of the tests stand for them"
)
ASK = "imaging-audit verify takes the folder exports itself, as in: imaging-audit verify audit/exports"
PROVED = "set proof = true (the default) and run the audit again: a result without the proof that is asked for is published anew"
AGAIN = "publish the release again from its delivery, and report this line: the proof is of exports as they were written"


class DisclosureError(PublishError):
    """What was published, or is about to be, does not hold what the proof says of it."""


def prove(exports, profile, small_cell_max=None):
    """The proof as a dictionary; exports: the folder of a release. It says nothing of the profile none, which never leaves."""
    said = {
        "profile": profile,
        "small_cell_max": max(LIMIT.get(profile, 0), small_cell_max or 0) if profile != "nhs" else LIMIT[profile],
        "exports": _hashes(exports),
        "searched": sorted(laws.COUNTS),
        "not_searched": {"tables": _others(exports), "why": ROUNDED},
    }
    return said | {"result": None if profile == "none" else _result(exports, profile, said["small_cell_max"])}


def write(exports, profile, small_cell_max=None):
    """Beside the exports that it is about. A release whose proof fails must not be shown."""
    proof = prove(exports, profile, small_cell_max)
    _refuse(proof, exports)
    (exports / NAME).write_text(json.dumps(proof, indent=2) + "\n", encoding="utf-8")
    return proof


def verify(exports):
    """Everything once more, and compared with what the file says; the proof, or an error that says what does not hold."""
    said = _said(exports)
    hashes = _hashes(exports)
    moved = sorted(name for name in {*said["exports"], *hashes} if said["exports"].get(name) != hashes.get(name))
    if moved:
        raise DisclosureError("exports are not those that were proved", where=", ".join(moved), next_step=AGAIN)
    again = prove(exports, said["profile"], said["small_cell_max"])
    _refuse(again, exports)
    if said != again:
        raise DisclosureError("the proof says something else than its exports", where=exports / NAME, next_step=AGAIN)
    return again


def _said(exports):
    """What the file says; or what there is instead of it."""
    if not exports.is_dir():
        raise NotFoundError("there is no such folder of exports", where=exports, next_step=ASK)
    if not (exports / NAME).exists():
        raise _no_proof(exports)
    try:
        said = json.loads((exports / NAME).read_text(encoding="utf-8"))
        return {name: said[name] for name in ("profile", "small_cell_max", "exports")} | said
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DisclosureError(f"the proof cannot be read ({type(error).__name__})", where=exports / NAME, next_step=AGAIN) from None


def _no_proof(exports):
    if (exports / "exports").is_dir():
        return NotFoundError("this folder holds a folder of exports, and is none", where=exports, next_step=ASK)
    if not (exports / "compliance.parquet").exists():
        return NotFoundError("this folder holds no exports", where=exports, next_step=ASK)
    manifest = formats.manifest_of(exports.resolve().parent)
    if manifest and not is_listed(manifest):
        return NotFoundError("these exports were published with proof = false, so there is no proof to verify", where=exports, next_step=PROVED)
    step = f"ask for {NAME} where they come from; where they were published with proof = false, {PROVED}"
    return NotFoundError("there is no proof to verify: it did not come with these exports", where=exports, next_step=step)


def is_listed(manifest):
    """Whether a release was published with its proof."""
    return f"exports/{NAME}" in manifest["files"]


def _refuse(proof, exports):
    result = proof["result"]
    if result and result["contradiction"]:
        raise DisclosureError("no counts fit all that is published", where=exports, next_step=AGAIN)
    if result and result["n_recovered"]:
        where = ", ".join(sorted(name for name, table in result["tables"].items() if table["n_recovered"]))
        raise DisclosureError(f"{result['n_recovered']} masked counts can be worked out", where=where, next_step=AGAIN)


def _hashes(exports):
    """Every file, whatever its format: what was proved of the Parquet files is said of all that is made of the same tables."""
    paths = sorted(path for path in exports.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(exports).as_posix(): sha256(path) for path in paths}


def _others(exports):
    return sorted(path.stem for path in exports.glob("*.parquet") if path.stem not in laws.COUNTS)


def _result(exports, profile, limit):
    """Counts of cells, never a value: of a masked count its range says how well it is hidden, and so stays inside."""
    import polars as pl

    tables = {name: pl.read_parquet(exports / f"{name}.parquet") for name in laws.COUNTS}
    system = laws.System(tables, SLACK.get(profile, 0))
    try:
        found = worlds.ranges(system)
    except worlds.Contradiction:
        return {"contradiction": True, "n_masked": sum(system.is_masked), "n_recovered": None, "tables": {}}
    told = {name: _tally(found, name, limit) for name in laws.COUNTS}
    sums = {column: sum(table[column] for table in told.values()) for column in ("n_masked", "n_only_zero", "n_one_value", "n_recovered")}
    return {"contradiction": False, **sums, "tables": told}


def _tally(found, name, limit):
    """Only zero: nothing is hidden there. One value: nothing else fits, and it is not 0; recovered: and it is a small count."""
    spans = [span for cell, span in found.items() if cell[0] == name]
    alone = [least for least, most in spans if least == most]
    return {
        "n_masked": len(spans), "n_only_zero": alone.count(0), "n_one_value": len(alone) - alone.count(0),
        "n_recovered": sum(bool(1 <= value <= limit) for value in alone),
    }
