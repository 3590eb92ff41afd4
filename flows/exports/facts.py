"""What every export says of itself: run, editions, period, mask. From released tables alone."""

import json
from datetime import date, datetime, timedelta

from flows import ROOT
from flows.disclosure import PROFILES
from flows.exports.cells import HARD_SPACE

SYNTHETIC_SOURCES = ("demo (synthetic)", "synthea")
SYNTHETIC = "Synthetic data: every person and order is invented; no figure says anything about care."
PROTECTED = "Protected zone only: no disclosure control was applied; not to be passed on."
NO_DAY = datetime(2000, 1, 1)  # dates a file where the data have no calendar: none may tell when it was made
MONTHS = {"year": 12, "quarter": 3, "month": 1}
HASHES = ("rules_hash", "sql_hash", "settings_hash")


def is_synthetic(source):
    return source in SYNTHETIC_SOURCES


def facts(tables, profile, editions):
    """One dictionary for all formats. editions: rows (edition, effective_from, citation) as `editions` reads them."""
    run = tables["audit_run"].row(0, named=True)
    parameters = json.loads(run["parameters"])
    is_protected = profile == "none"
    return {
        "run_id": run["run_id"],
        "as_of": run["as_of"] and run["as_of"].isoformat(),
        "source": run["source"],
        "deid_mode": run["deid_mode"],
        "suppression": profile,
        "largest_masked": None if is_protected else PROFILES[profile] or int(parameters["small_cell_max"]),
        "editions": [row | {"effective_from": str(row["effective_from"])} for row in editions],
        "period": period(tables["compliance"], run["as_of"]),
        "watermarks": [
            *([SYNTHETIC] if is_synthetic(run["source"]) else []),
            *([PROTECTED] if is_protected else []),
        ],
        "versions": json.loads(run["versions"]),
        "parameters": parameters,
        "hashes": {name: run[name] for name in HASHES},
    }


def editions(con):
    """The editions of the rules; the delivery has no part in them."""
    return con.sql("select edition, effective_from, citation from rule.edition order by effective_from").pl().to_dicts()


def period(compliance, as_of=None):
    """First and last day of the periods that hold an index order or episode, the last no later than the data; None without a calendar."""
    rows = compliance.filter(period_grain="quarter").to_dicts() or compliance.filter(period_grain="year").to_dicts()
    rows = [row for row in rows if row["n_index"] != 0 and row["stratum"] == "all"]
    if not rows:
        return None
    last = max(rows, key=lambda row: row["period_start"])
    return {"first": min(row["period_start"] for row in rows).isoformat(), "last": min(_end(last), as_of or date.max).isoformat()}


def _end(row):
    month = row["period_start"].month - 1 + MONTHS[row["period_grain"]]
    return date(row["period_start"].year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def named(facts):
    """The line that each sheet and page carries: edition, period, run, suppression."""
    editions = " and ".join(row["edition"] for row in facts["editions"])
    return " · ".join(
        [
            f"ACR topic 235, editions {editions}",
            f"index days {spoken_period(facts)}",
            f"run {facts['run_id'][:12]}",
            f"suppression {facts['suppression']}",
        ]
    )


def spoken_period(facts):
    period = facts["period"]
    return f"{period['first']} to {period['last']}" if period else "without a calendar"


def masking(facts):
    """What the suppression profile did, in a sentence."""
    if facts["largest_masked"] is None:
        return "Profile none: every count stands as it is, the smallest too."
    rounded = " Other counts are rounded to 5." if facts["suppression"] == "nhs" else ""
    return (
        f"Profile {facts['suppression']}: counts of 1 to {facts['largest_masked']}, "
        f"and whatever would give one back, are masked.{rounded} "
        "Figures beside the measure are rounded, counts to tens, shares in steps, ranges of radiation to wider ones."
    )


def disclosures(parameters):
    """What every report of the audit must say (SPEC 10): pairs of a claim and what it means."""
    text = (ROOT / "reports" / "disclosures.txt").read_text(encoding="utf-8")
    text = text.replace(" %", f"{HARD_SPACE}%")
    return [tuple(line.format(**parameters).split(" | ", 1)) for line in text.splitlines()]
