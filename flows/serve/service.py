"""The service behind `imaging-audit serve`: a deployment with a schedule, a runner that runs one audit at a time, a watch."""

import asyncio
import multiprocessing
import os
import signal
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from flows import arrival, prefect_home
from flows.apart import refuse_within
from flows.errors import LockedError, safely
from flows.lock import locked
from flows.logs import log
from flows.serve import schedule
from flows.settings import load_settings

POLL = 5  # seconds between two looks for runs that are due
GRACE = 8  # seconds for a run in progress to clear up, before it is killed


def serve(config):
    """Until it is told to stop."""
    config = Path(config).resolve()
    settings = load_settings(config)
    with safely(debug=settings.debug):
        refuse_within(settings)
        if arrival.is_by_day(settings):
            arrival.refuse_unfit(settings)
        os.umask(0o077)
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")  # of a run that is ended in its midst
        home = prefect_home.prepare(settings.out)
        fires, is_sites = schedule.read(settings, config), prefect_home.has_own_server()
        # On a site's server several may serve. On ours, another name would leave a deployment that nobody runs.
        name = config.stem.replace("%", "_") if is_sites else "audit"
        with _alone(home), _server(home, is_sites):
            asyncio.run(_serve(settings, config, name, fires))
    log.info("Stopped")


@contextmanager
def _alone(home):
    with ExitStack() as held:
        try:
            held.enter_context(locked(home))
        except LockedError as error:
            raise LockedError(
                "another service serves this folder", where=error.message.split(": ", 1)[-1], next_step="stop one of the two"
            ) from None
        yield


def _server(home, is_sites):
    if is_sites:
        log.info("Prefect's server is the site's own, as PREFECT_API_URL says")
        return nullcontext()
    from flows.serve.server import own_server

    log.info("Prefect's server starts; its password is in %s", home / "password")
    return own_server()


async def _serve(settings, config, name, fires):
    from prefect import get_client
    from prefect.runner import Runner

    from flows.serve import watch

    async with get_client() as client:
        is_owed = await watch.tidy(client, name)
        # prefetch: otherwise it fires ten seconds early, and the first of a month begins on the last of the one before
        runner = Runner(name=name, limit=1, pause_on_shutdown=False, query_seconds=POLL, prefetch_seconds=0)
        deployment_id = await _deploy(runner, name, fires, settings, config)
        if is_owed:
            log.info("A firing was missed or cut off while nothing served; it is made up for now")
            await watch.make_up(client, deployment_id)
        log.info("Serving %s; Prefect's pages: %s", config, str(client.api_url).removesuffix("/api/"))
        await _until_stopped(
            runner.start(),
            watch.tell(client, deployment_id, settings),
            watch.drop(client, deployment_id, settings),
        )


async def _deploy(runner, name, fires, settings, config):
    from prefect.flows import EntrypointType

    from flows.audit import audit_due

    return await runner.aadd_flow(
        audit_due,
        name=name,
        schedule=fires,
        parameters={"config": str(config)},
        tags=[settings.source, f"suppression {settings.suppression}"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def _until_stopped(*work):
    """Whatever ends first ends all: a signal, or a fault that the service manager may answer with a new start."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(each) for each in (*work, stop.wait())]
    await asyncio.sleep(0)  # the runner has put its own handlers by now, which would wait for the run in progress
    for sent in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sent, stop.set)
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        log.info("Told to stop")
    for each in tasks[1:]:  # a run that is ended now is not to be made up for now
        each.cancel()
    await asyncio.to_thread(_end_runs)
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for each in done:
        each.result()


def _end_runs():
    """A run that is stopped has published nothing or everything; what it leaves, the next one clears away."""
    runs = multiprocessing.active_children()
    for each in runs:
        each.terminate()
    for each in runs:
        each.join(GRACE)
        each.kill()
