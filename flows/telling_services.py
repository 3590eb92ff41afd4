"""Sending through Apprise: bounded in time, silent about addresses, with a word of each service and no more.

An address is a secret: Apprise and the libraries below it name addresses in what they log, so their loggers are closed.
"""

import logging
import threading
import time

SECONDS = 60  # for all services together; whoever has not answered by then has not accepted
PATIENCE = 15  # for a connection and for an answer, where the address says nothing else (cto, rto)
SILENT = logging.CRITICAL + 1


def not_understood(urls):
    """The places of addresses, from 1, that Apprise cannot use."""
    return [number for number, url in enumerate(urls, 1) if _service(url) is None]


def send(urls, subject, body, seconds=None):
    """[(kind of service, whether it accepted)], in the order of the addresses. Never an error, whatever the network does."""
    services = [_service(url) for url in urls]
    accepted = [False] * len(services)
    # No pool: its threads are waited for at the end of the program, and a receiver that hangs would hold it for ever.
    threads = [
        threading.Thread(target=_send, args=(service, subject, body, accepted, number), daemon=True)
        for number, service in enumerate(services)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + (SECONDS if seconds is None else seconds)
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    return [(_kind(service), was) for service, was in zip(services, list(accepted), strict=True)]


def _send(service, subject, body, accepted, number):
    import apprise

    try:
        one = apprise.Apprise(asset=service.asset)
        one.add(service)
        accepted[number] = one.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT) is True
    except Exception:  # a plugin's own; its text may hold the address
        accepted[number] = False


def _service(url):
    """What Apprise makes of an address, or None."""
    import apprise

    _hush()
    service = apprise.Apprise.instantiate(url.get_secret_value(), asset=_asset(), suppress_exceptions=True)
    if service is None:
        return None
    # The libraries' four seconds are short for a mail server that greets slowly; what the address says stands.
    for name in ("socket_connect_timeout", "socket_read_timeout"):
        if getattr(service, name) == getattr(type(service), name):
            setattr(service, name, PATIENCE)
    # A mail would come as a page whose every blank holds its line together; as text it breaks where the window ends.
    if service.notify_format == apprise.NotifyFormat.HTML and "format=" not in url.get_secret_value():
        service.notify_format = apprise.NotifyFormat.TEXT
    return service


def _asset():
    """As whom we speak: no picture is linked to, nothing is kept on disk, nothing is sent but the message."""
    import apprise

    return apprise.AppriseAsset(
        app_id="imaging-order-audit",
        app_desc="imaging-order-audit",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )


def _kind(service):
    """Apprise's own name of the service, such as E-Mail: nothing of the address."""
    return str(type(service).service_name)


def _hush():
    import urllib3

    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(SILENT)
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # names the host, where an address says verify=no
