"""Connections that notice a machine that is gone or a pooler, and several hosts of which the primary is asked first.

With two hosts in the URL, a new connection goes to the host that the last one of this process reached. So a host that
is gone costs its `connect_timeout` once, not with each connection.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from core.foundation.addresses import USUAL_PORT, hosts_of, is_readable, libpq_url, seconds_to_connect
from core.foundation.errors import SetupError

_USUAL = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""A connection to a machine that is gone is given up after eleven seconds; by default the system takes hours."""

_WRITTEN = {"DateStyle": "ISO", "standard_conforming_strings": "on", "client_encoding": "UTF8"}
"""How values are written on each connection. The driver reads no other style of dates."""

_REPEATED = 2
"""A statement that a connection runs more often than this is prepared: its plan is kept for the next time."""

_Place = tuple[str, str]
_reached: dict[tuple[_Place, ...], _Place] = {}
_lock = Lock()


def options(url: str) -> dict[str, Any]:
    """Return the options of a connection that this URL leaves open."""
    named = make_url(url).query
    return {name: value for name, value in _USUAL.items() if name not in named}


def connect(url: str, *, seconds: int = 30, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect without an engine, as PostgreSQL's own programs do. Waits `seconds` for a host, unless the URL says.

    Raises SetupError if the driver cannot read the URL.
    """
    wait = seconds_to_connect(url, seconds)
    refuse_unreadable(url)
    connection = psycopg.connect(libpq_url(url), connect_timeout=wait, autocommit=True)
    settle(connection)
    connection.autocommit = autocommit
    return connection


def settle(connection: psycopg.Connection[Any]) -> None:
    """Write values as the driver reads them, whatever a database or an account was set to. Needs autocommit.

    The server has said its settings, so nothing is sent if they fit. PgBouncer keeps these settings for each client.
    """
    for name, value in _WRITTEN.items():
        said = connection.info.parameter_status(name) or ""
        if not said.startswith(value):
            connection.execute(f"set {name} to {value}".encode())


def settle_engine(engine: Engine) -> None:
    """Settle each connection of an engine, before SQLAlchemy asks the first one for its settings."""
    event.listen(engine, "connect", _settle, insert=True)


def _settle(connection: Any, _: Any) -> None:
    connection.autocommit = True
    settle(connection)
    connection.autocommit = False


def refuse_unreadable(url: str) -> None:
    """Raise SetupError if the driver cannot read the URL. What the driver says about it may show the password."""
    if not is_readable(url):
        raise SetupError(
            "The address of the database is not valid. Special characters of a password must be percent-encoded, such "
            "as @ as %40. Check DATABASE_URL and STOCKROOM_OWNER_URL."
        )


def listen(engine: Engine) -> None:
    """Have an engine prepare statements if nothing is between, and with several hosts begin with the last one."""
    settle_engine(engine)
    event.listen(engine, "connect", _prepare_statements)
    if len(hosts_of(engine.url)) > 1 and not {"hostaddr", "load_balance_hosts"} & set(engine.url.query):
        event.listen(engine, "do_connect", _begin_with_the_last)
        event.listen(engine, "connect", _remember)


def _prepare_statements(connection: Any, _: Any) -> None:
    """Prepare statements on a connection to the server itself, but not on one to a pooler.

    A pooler in transaction mode runs the next statement in another session, in which nothing is prepared. It is known
    by the number of the session: poolers make one up for each client (PgBouncer: `src/client.c`, `cancel_key`).
    """
    connection.autocommit = True
    (number,) = connection.execute("select pg_backend_pid()").fetchone()
    connection.autocommit = False
    connection.prepare_threshold = _REPEATED if number == connection.info.backend_pid else None


def _begin_with_the_last(_: Any, record: Any, __: Any, values: dict[str, Any]) -> None:
    places = _places(values)
    key = tuple(sorted(places))
    record.info["stockroom.hosts"] = key
    with _lock:
        last = _reached.get(key)
    if last in places:
        places.sort(key=lambda place: place != last)  # stable: the others keep their order
        values["host"], values["port"] = (",".join(parts) for parts in zip(*places, strict=True))


def _remember(connection: Any, record: Any) -> None:
    with _lock:
        _reached[record.info["stockroom.hosts"]] = connection.info.host, str(connection.info.port)


def _places(values: dict[str, Any]) -> list[_Place]:
    names = str(values["host"]).split(",")
    ports = str(values.get("port") or USUAL_PORT).split(",")
    return list(zip(names, ports if len(ports) == len(names) else ports[:1] * len(names), strict=True))
