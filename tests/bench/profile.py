"""Where an audit's time goes: the stages as they are, watched from outside, and each SQL model in processor time too.

Processor time counts all threads; it is what stays the same when somebody else uses the machine as well.
"""

import json
import sys
import time
from pathlib import Path

from flows import models, stages
from flows.delivery import raw
from flows.settings import load_settings
from flows.workspace import opened


def profile(delivery, out):
    """One audit in this process: seconds and processor seconds of each stage and each model."""
    spent = {"stages": [], "models": []}
    settings = load_settings(delivery / "audit.toml", extracts=delivery, out=out)
    with opened(settings) as run, _watched(spent["models"]):
        for stage in stages.STAGES:
            before = time.monotonic(), time.process_time()
            stage(run)
            spent["stages"].append(_row(stage.__name__, before))
    return spent


class _watched:
    """Every model that the runner builds, in the order of building: the audit itself knows nothing of a benchmark."""

    def __init__(self, rows):
        self.rows = rows

    def __enter__(self):
        self.build, self.before = models.build, None

        def build(con, schemas=models.SCHEMAS, on_model=None, given=()):
            self.before = time.monotonic(), time.process_time()
            return self.build(con, schemas, on_model=self._built, given=given)

        models.build = raw.build = build

    def _built(self, name, _seconds):
        self.rows.append(_row(name, self.before))
        self.before = time.monotonic(), time.process_time()

    def __exit__(self, *_):
        models.build = raw.build = self.build


def _row(name, before):
    return {
        "name": name,
        "seconds": round(time.monotonic() - before[0], 3),
        "processor_seconds": round(time.process_time() - before[1], 3),
    }


if __name__ == "__main__":
    found = profile(Path(sys.argv[1]), Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(found, indent=1), encoding="utf-8")
