"""The number of the format in which results outlive the software that wrote them: ledger, out folder, kept releases.

It rises by one when a table, a file or a line changes so that later readers would stumble over earlier results. 1 is
everything that was written before there was a number. What leads from one to the next is sql/upgrade/NNN_SCHEMA_TABLE.sql.
"""

import json

from flows.errors import PublishError
from flows.software import versions

FORMAT = 3
FIRST = 1


def of(known):
    """known: a manifest or a line of the ledger."""
    return known.get("format", FIRST)


def manifests(out):
    """{folder: manifest} of every kept release that has one, by name."""
    return {folder: found for folder in _kept(out) if (found := manifest_of(folder))}


def manifest_of(release):
    """None where there is none, or it cannot be read."""
    try:
        found = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _kept(out):
    return [path.parent for path in sorted((out / "releases").glob("*/manifest.json"))]


def refuse_unreadable(out):
    """Before something rests on what every kept release says of itself."""
    for folder in _kept(out):
        if not manifest_of(folder):
            raise PublishError(
                "the manifest of a kept release cannot be read",
                where=folder,
                next_step=f"restore it from a backup; imaging-audit releases --remove {folder.name} --out {out} takes out a release that is not current",
            )


def refuse_others(out):
    """Before anything is added to a folder of results: all of it must be of this format."""
    refuse_newer(out)
    for manifest in manifests(out).values():
        refuse_other(manifest, out)


def refuse_newer(out):
    """Older ones may pass: an upgrade is there for them, and lines of the ledger are read as they are."""
    from flows import ledger  # whose lines carry the number

    for known in (*ledger.read(out), *manifests(out).values()):
        refuse_other(known | {"format": max(of(known), FORMAT)}, out)


def refuse_other(known, out):
    """Before a release is read: an instruction instead of whatever its tables would make of the question."""
    number, engine = of(known), _engine(known)
    if engine > _engine({"versions": versions()}):
        raise PublishError(
            f"these results were written by DuckDB {engine}, and this software brings an older one, which cannot read them",
            where=out,
            next_step="use the software that wrote them, or another --out; imaging-audit version says what this is",
        )
    if number > FORMAT:
        raise PublishError(
            f"these results were written by newer software: their format is {number}, and this software knows {FORMAT}",
            where=out,
            next_step="use that software here, or another --out; imaging-audit version says what this is",
        )
    if number < FORMAT:
        raise PublishError(
            f"these results were written by older software: a kept release has format {number}, this software reads {FORMAT}",
            where=out,
            next_step=f"imaging-audit upgrade --out {out}",
        )


def _engine(known):
    """The generation of DuckDB that wrote the database last: a later one's files may be unreadable to an earlier one."""
    wrote = (known.get("upgraded") or [known])[-1].get("versions") or {}
    return int(str(wrote.get("duckdb") or "0").split(".")[0])
