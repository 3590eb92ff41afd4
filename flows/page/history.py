"""How the checks of the data went from run to run: numbers of checks, never of rows."""

STATUSES = ("passed", "failed", "error", "not_applicable")
KEPT = 12  # runs on the page; the ledger holds all


def by_run(history, present, run_id):
    """One row per run, the present one last, with what began and what ceased to fail; empty without an earlier run."""
    runs = {}
    for row in history or ():
        runs.setdefault(row["run_id"], []).append(row)
    runs.pop(run_id, None)  # made before and made again: it is the present one
    if not runs:
        return []
    told, before = [], None
    for name, results in [*runs.items(), (run_id, present)]:
        open_ = {(row["code"], row["table_name"]) for row in results if row["status"] in ("failed", "error")}
        told.append({
            "run_id": name, "on": str(results[0].get("recorded_at") or "")[:10], "is_present": name == run_id,
            "tally": {status: sum(row["status"] == status for row in results) for status in STATUSES},
            "began": sorted({code for code, _ in open_ - before}) if before is not None else [],
            "ceased": sorted({code for code, _ in before - open_}) if before is not None else [],
        })  # fmt: skip
        before = open_
    return told[-KEPT:]
