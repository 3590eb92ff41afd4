"""The audit as a Prefect flow: what stages.run_direct tells, with retries, a schedule and a record of runs.

Prefect keeps parameters, logs, artifacts and error texts in a database of its own, so none of them may hold a patient's
value: tasks get the run wrapped in quote() and return nothing, and stages let no foreign error text out.
"""

from pathlib import Path

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed
from prefect.utilities.annotations import quote

from flows import logs, stages
from flows.arrival import run_due
from flows.attempt import attempted
from flows.errors import AuditError, LockedError, safely
from flows.logs import log
from flows.settings import load_settings
from flows.stages import run_direct  # noqa: F401  the same audit without Prefect
from flows.workspace import opened


def _may_pass(_task, _run, state):
    """A disk or a share may come back; a rule that does not hold will not."""
    return getattr(state.data, "is_transient", False)


PATIENT = {"read_delivery", "publish"}  # what a disk or a share can stop
PATIENTLY = {"retries": 2, "retry_delay_seconds": [2, 10], "retry_condition_fn": _may_pass}


def _task(stage):
    patience = PATIENTLY if stage.__name__ in PATIENT else {}
    name = stage.__name__.replace("_", " ")
    return task(name=name, cache_policy=NO_CACHE, persist_result=False, **patience)(stage)


TASKS = tuple(_task(stage) for stage in stages.STAGES)


def _name():
    given = runtime.flow_run.parameters
    return f"{given.get('source') or 'delivery'} as of {given.get('as_of') or 'its last day'}"


@flow(name="imaging-order-audit", flow_run_name=_name, persist_result=False, log_prints=False)
def audit(
    extracts: str | None = None,
    out: str | None = None,
    deid_mode: str | None = None,
    as_of: str | None = None,
    source: str | None = None,
    site_rules: str | None = None,
    engine: str | None = None,
    config: str | None = None,
):
    """One audit, asked for by hand: was the first imaging order after neoadjuvant therapy usually appropriate?"""
    settings = load_settings(
        config, extracts=extracts, out=out, deid_mode=deid_mode, as_of=as_of, source=source, site_rules=site_rules, engine=engine
    )
    _work(settings)
    _show(settings)


def _fired():
    return f"{Path(runtime.flow_run.parameters['config']).stem}, {runtime.flow_run.scheduled_start_time:%Y-%m-%d %H:%M} UTC"


@flow(name="imaging-order-audit-due", flow_run_name=_fired, persist_result=False, log_prints=False)
def audit_due(config: str):
    """Every audit that is due: of each complete delivery that arrived, else of the delivery in place.

    **Was the first imaging order after neoadjuvant therapy for breast cancer one that the ACR rates usually appropriate?**

    `config` is the path of the settings (`audit.toml`); nothing else is a parameter. A firing that finds nothing changed
    publishes nothing. What is shown here was released under disclosure control.
    """
    if not log.handlers:
        logs.talk_on_stderr()
    try:
        return _all_due(load_settings(config))
    except LockedError as error:  # whoever holds the lock audits the same delivery, and the next firing looks again
        log.info("Skipped: %s", error.message)
        return Completed(name="Skipped", message=error.message)
    except AuditError as error:
        log.error("imaging-audit: %s", error)
        raise


def _all_due(settings):
    published = []
    try:
        with attempted(settings), safely(debug=settings.debug):
            run_due(settings, lambda one: published.append(_day(one)) if _work(one) else None)
    finally:
        if published:
            _show(settings, f"{settings.source} as of {' to '.join(sorted({published[0], published[-1]}))}")
    return Completed(message=f"published as of {', '.join(published)}" if published else "nothing changed")


def _show(settings, name=None):
    """Beside the audit: what is published stands, whatever Prefect's pages take of it."""
    from flows.serve import artifacts

    try:
        artifacts.show(settings, name)
    except Exception as error:
        log.warning("Prefect's pages were not filled (%s)", type(error).__name__)


def _work(settings):
    """Whether there was anything to do."""
    with opened(settings) as run:
        for each in TASKS if run else ():
            each.with_options(task_run_name=f"{each.name}, {_day(settings)}")(quote(run))
        return run is not None


def _day(settings):
    return settings.as_of.isoformat() if settings.as_of else "its last day"
