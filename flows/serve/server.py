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
    port = int(os.environ.get("PREFECT_SERVER_API_PORT") or _free_port())
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    server, thread = _start(port)
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=5)


def _start(port):
    import uvicorn
    from prefect.server.api.server import create_app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about aliases of its own fields
        app = create_app(final=True)
    config = uvicorn.Config(
        app, host=HOST, port=port, log_level="critical", lifespan="on", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=[server], name="prefect-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise PublishError(
                "Prefect's embedded server did not start",
                where=f"{HOST}:{port}",
                next_step="free the disk or the port, or say another one with PREFECT_SERVER_API_PORT, then start again",
            )
        time.sleep(0.1)
    return server, thread


def _run(server):
    try:
        server.run()
    except SystemExit:  # uvicorn's way to say that the port is taken
        return


def _free_port():
    for port in (USUAL, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise PublishError("no free port on loopback", where=HOST, next_step="say one with PREFECT_SERVER_API_PORT")
