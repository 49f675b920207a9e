"""`make run`: start the database, serve the dashboard and print its address. Ctrl-C stops both."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from functools import partial
from types import FrameType

import uvicorn

from core.database.engine import create_engine, run
from core.database.startup import Database, bring_up_to_date, open_database
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import Settings, load_settings
from core.people import administration as people
from core.sample.large import say_if_interrupted
from core.sample.load import fill_untouched
from core.sandbox import connection
from dashboard.leaving import Server

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read here, not chosen
_LONGEST_MESSAGE = 200 * 1024 * 1024
_SECONDS_TO_FINISH, _SECONDS_BEHIND_A_PROXY = 3, 20


def main() -> int:
    """Run until a signal arrives. A failed start prints one sentence with the next step and returns exit code 1."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        serve(load_settings())
    except KeyboardInterrupt:
        pass
    except SetupError as error:
        print(f"Stockroom cannot start. {error}", file=sys.stderr)
        return 1
    return 0


def serve(settings: Settings) -> None:
    """Serve the dashboard of one shop until a signal arrives, then stop the database it started."""
    # The port comes first: a second start by mistake fails here, before it changes anything.
    with claim_port(settings.address, settings.port) as listener:
        _say("Starting the database ...")
        with open_database(settings) as database:
            bring_up_to_date(database)
            fill_untouched(database, settings, _say)
            say_if_interrupted(database, _say)
            ready = partial(_say_greeting, settings, database)
            Server(configuration(settings), ready=ready, drains=bool(settings.trusted_proxies)).run(sockets=[listener])


def claim_port(address: str, port: int) -> socket.socket:
    """Return a listening socket. Raises SetupError if the address or the port is not available."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise _no_address(address) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise _no_port(address, port, error) from error
    return listener


def _no_port(address: str, port: int, error: OSError) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        return SetupError(
            f"Port {port} is taken, perhaps by another running Stockroom: open {_url(address, port)}, "
            "or choose another port with STOCKROOM_PORT."
        )
    if error.errno == errno.EACCES:
        return SetupError(
            f"Only an administrator may use port {port}: set STOCKROOM_PORT to a port from 1024 to 65535."
        )
    return _no_address(address)


def _no_address(address: str) -> SetupError:
    return SetupError(f"This machine has no address {address!r}: set STOCKROOM_ADDRESS to 127.0.0.1 or leave it out.")


def configuration(settings: Settings) -> uvicorn.Config:
    """Return the server's configuration. X-Forwarded-* headers are accepted only from the trusted proxies."""
    # Imported here: Streamlit takes a second to load, for which a failing start need not wait.
    from dashboard.server import app

    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ws="websockets-sansio",
        ws_max_size=_LONGEST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_SECONDS_BEHIND_A_PROXY if settings.trusted_proxies else _SECONDS_TO_FINISH,
    )


def _say_greeting(settings: Settings, database: Database) -> None:
    _say(_greeting(settings, database))


def _greeting(settings: Settings, database: Database) -> str:
    url = _url(settings.address, settings.port)
    engine = create_engine(database.app_url, pool_size=1)
    try:
        connection.open_webhook(settings, engine, url)
        link = run(engine, people.first_link, COMMAND_LINE)
    finally:
        engine.dispose()
    if link is None:
        return (
            f"Stockroom is ready at {url} (without a password, create a one-time link: python -m core user link EMAIL)"
        )
    return f"Stockroom is ready. This one-time link signs you in as admin: {url}/welcome?token={link}"


def _url(address: str, port: int) -> str:
    host = _EVERYWHERE.get(address, address)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    # Unwinds every `with` above, including the embedded database server's; the default would leave it running.
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
