"""Prefect's server inside our own process: nothing to start, nothing left when we are killed, loopback alone.

What `run` uses, Prefect's temporary server, has no scheduler; `prefect server start` would be a second process that
outlives us.
"""

import os
import socket
import threading
import time
import warnings
from contextlib import contextmanager

from flows.errors import PublishError

HOST = "127.0.0.1"
USUAL = 4200  # where Prefect's pages are looked for; another port where this one is taken
PATIENCE = 120


@contextmanager
def own_server():
    """The address of its pages, as long as it runs."""
    from prefect.context import refresh_global_settings_context

    with _bound() as door:
        address = f"http://{HOST}:{door.getsockname()[1]}"
        os.environ["PREFECT_API_URL"] = f"{address}/api"
        # Prefect read its environment when it was imported; without the address it would start a second server for itself.
        refresh_global_settings_context()
        server, thread = _start(door)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=5)


def _start(door):
    import uvicorn
    from prefect.server.api.server import create_app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about aliases of its own fields
        app = create_app(final=True)
    config = uvicorn.Config(app, log_level="critical", lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=[server, door], name="prefect-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise PublishError(
                "Prefect's embedded server did not start",
                where=os.environ["PREFECT_HOME"],
                next_step="free space or rights there, then start again",
            )
        time.sleep(0.1)
    return server, thread


def _run(server, door):
    try:
        server.run(sockets=[door])
    except SystemExit:  # uvicorn's way to say that it could not begin
        return


def _bound():
    """The door is ours before the server is there, so that two that start at once do not meet at one."""
    given = os.environ.get("PREFECT_SERVER_API_PORT")
    for port in [given] if given else (USUAL, 0):
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((HOST, int(port)))
            door.listen()
        except (OSError, ValueError, OverflowError):
            door.close()
        else:
            return door
    raise PublishError(
        "the port of Prefect's embedded server is taken",
        where=f"{HOST}:{given or USUAL}",
        next_step="say another one with PREFECT_SERVER_API_PORT",
    )
