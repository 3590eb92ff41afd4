"""What the service keeps an eye on: runs that a killed service left, the next firing, the drop folder."""

import asyncio
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows import arrival, health
from flows.errors import AuditError
from flows.logs import log

FLOW = "imaging-order-audit-due"
AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING, StateType.PAUSED]
ENDED = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED]
NEWEST_FIRST = FlowRunSort.END_TIME_DESC
LOOK = 5  # seconds between two looks at Prefect's records
ALIVE = timedelta(seconds=60)  # between two signs of life in the health file
LONGEST = 3600  # between two looks at a delivery that no audit takes in
MADE_UP = "missed"  # tag of a run that makes up for one


async def tidy(client, name):
    """Runs that a killed service left as running would be so for ever. Whether one is to be made up for: missed, or cut off."""
    try:
        deployment = await client.read_deployment_by_name(f"{FLOW}/{name}")
    except ObjectNotFound:
        return False
    for run in await _runs(client, deployment.id, AT_WORK):
        await client.set_flow_run_state(run.id, Crashed(message="The service ended while this ran"), force=True)
    now = datetime.now(UTC)
    missed = [run for run in await _runs(client, deployment.id, [StateType.SCHEDULED]) if _planned(run) < now]
    for run in missed:
        await client.delete_flow_run(run.id)
    last = await _runs(client, deployment.id, ENDED, NEWEST_FIRST, limit=1)
    return bool(missed) or any(map(_was_cut_off, last))


def _was_cut_off(run):
    """And is to be made up for: once, for what cuts that off too would do so for ever. Then the next firing may try."""
    return run.state.is_crashed() and MADE_UP not in run.tags


async def make_up(client, deployment_id):
    await client.create_flow_run_from_deployment(deployment_id, tags=[MADE_UP])


async def tell(client, deployment_id, settings):
    """Say when it fires next, and how each run ended; to a monitor, that somebody is there."""
    zone, begun, said, planned = ZoneInfo(settings.schedule.timezone), datetime.now(UTC), set(), None
    alive_until = begun
    while True:
        with _whatever_prefect_says():
            await _tell_ended(client, deployment_id, begun, said)
            planned = await _tell_coming(client, deployment_id, zone, planned)
            if planned and datetime.now(UTC) >= alive_until and not await _is_at_work(client, deployment_id):
                alive_until = datetime.now(UTC) + ALIVE
                await asyncio.to_thread(_stand_by, settings.out, planned.astimezone(zone))
        await asyncio.sleep(LOOK)


async def _tell_ended(client, deployment_id, begun, said):
    ended = await _runs(client, deployment_id, ENDED, NEWEST_FIRST, end_time={"after_": begun})
    for run in reversed([run for run in ended if run.id not in said]):  # of very many the server gives only so many
        is_owed = _was_cut_off(run)
        if is_owed:
            await make_up(client, deployment_id)
        log.info("%s: %s%s", run.name, _ending(run.state), " It is made up for now." if is_owed else "")
        said.add(run.id)


async def _tell_coming(client, deployment_id, zone, told):
    """When it fires next; each firing to come gets its time as its name, for Prefect makes names up."""
    coming = await _runs(client, deployment_id, [StateType.SCHEDULED], expected_start_time={"after_": datetime.now(UTC)})
    for run in coming:
        if run.name != (name := f"due {_at(_planned(run), zone)}"):
            await client.update_flow_run(run.id, name=name)
    planned = _planned(coming[0]) if coming else told
    if planned != told:
        log.info("Next audit: %s %s", _at(planned, zone), zone.key)
    return planned


def _at(planned, zone):
    return planned.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _stand_by(out, planned):
    """Not over what a killed run left: the next one reads there that it was killed."""
    with suppress(OSError):
        if not health.was_killed(health.read(out)):
            health.waiting(out, planned, ALIVE.seconds)


@contextmanager
def _whatever_prefect_says():
    """A server that is busy or away for a moment stops no service, and no run in progress with it."""
    try:
        yield
    except Exception as error:
        log.warning("Prefect's server does not answer (%s); it is asked again", type(error).__name__)


def _ending(state):
    """A failure was told in full by the run itself."""
    return state.name if state.is_failed() or not state.message else f"{state.name}, {state.message}"


async def drop(client, deployment_id, settings):
    """A complete delivery starts a run at once. One that no run takes in is looked at less and less often."""
    wait = usual = settings.schedule.look_every_seconds
    while True:
        await asyncio.sleep(wait)
        if not await _is_waiting(settings):
            wait = usual
            continue
        with _whatever_prefect_says():
            if not await _is_at_work(client, deployment_id):
                wait = min(2 * wait, LONGEST)
                log.info("A delivery is complete: its audit starts")
                await client.create_flow_run_from_deployment(deployment_id, tags=["delivery arrived"])


async def _is_waiting(settings):
    try:
        return settings.drop is not None and await asyncio.to_thread(arrival.is_waiting, settings)
    except (OSError, AuditError) as error:
        log.warning("The drop folder cannot be looked at now: %s", getattr(error, "strerror", None) or error)
        return False


async def _is_at_work(client, deployment_id):
    due = {"before_": datetime.now(UTC) + timedelta(seconds=LOOK)}
    scheduled = await _runs(client, deployment_id, [StateType.SCHEDULED], expected_start_time=due)
    return bool(scheduled or await _runs(client, deployment_id, AT_WORK))


async def _runs(client, deployment_id, states, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=None, **also):
    given = {"deployment_id": {"any_": [deployment_id]}, "state": {"type": {"any_": states}}, **also}
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(given), sort=sort, limit=limit)


def _planned(run):
    """A plain time: Prefect's own loses its zone when something is added to it."""
    planned = run.expected_start_time
    return datetime.fromtimestamp(planned.timestamp(), UTC) if planned else datetime.max.replace(tzinfo=UTC)
