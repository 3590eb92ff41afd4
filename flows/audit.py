"""The audit as a Prefect flow: what stages.run_direct tells, with retries, a schedule and a record of runs.

Prefect keeps parameters, logs, artifacts and error texts in a database of its own, so none of them may hold a patient's
value: tasks get the run wrapped in quote() and return nothing, and stages let no foreign error text out.
"""

from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from flows import stages
from flows.headline import headline
from flows.settings import load_settings
from flows.stages import run_direct  # noqa: F401  the same audit without Prefect
from flows.workspace import opened


def _may_pass(_task, _run, state):
    """A disk or a share may come back; a rule that does not hold will not."""
    return getattr(state.data, "is_transient", False)


ONCE = task(cache_policy=NO_CACHE, persist_result=False)
PATIENTLY = task(
    cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=_may_pass
)

load_rules = ONCE(stages.load_rules)
read_delivery = PATIENTLY(stages.read_delivery)
type_rows = ONCE(stages.type_rows)
judge = ONCE(stages.judge)
check = ONCE(stages.check)
publish = PATIENTLY(stages.publish)


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
    settings = load_settings(
        config, extracts=extracts, out=out, deid_mode=deid_mode, as_of=as_of, source=source, site_rules=site_rules, engine=engine
    )
    with opened(settings) as run:
        for each in (load_rules, read_delivery, type_rows, judge, check, publish) if run else ():
            each(quote(run))
    create_markdown_artifact(headline(settings.out), key="headline", description="Under disclosure control")
