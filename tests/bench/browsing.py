"""Browsers without a window: signed-in people who open pages of the real server and read for a while.

They speak Streamlit's own protocol: a page is asked for by one message and has come when the script's end is told. As a
browser does, they also run the timers that the pages set, so that live pages cost here what they cost in the shop.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from urllib.parse import urlsplit

from psycopg import Connection
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from core.foundation.model import Actor, Role
from core.people import passwords
from dashboard.door.gate import COOKIE

PATIENCE = 60.0
View = tuple[str, str]
"""A page and the query of its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A manager in one browser."""

    actor: Actor
    token: str


def sign_in(connection: Connection, number: int) -> Person:
    """Open a session of an hour for the manager of this number, who is hired on the first call."""
    name, email, token = f"Manager {number}", f"manager-{number}@shop.example", passwords.new_token()
    user_id = _first(
        connection,
        """insert into stockroom.users (email, name, role) values (%s, %s, 'manager')
           on conflict (email) do update set role = excluded.role returning id""",
        email,
        name,
    )
    session_id = _first(
        connection,
        """insert into stockroom.sessions (user_id, token_hash, expires_at)
           values (%s, %s, now() + interval '1 hour') returning id""",
        user_id,
        passwords.token_hash(token),
    )
    actor = Actor(name=name, role=Role.MANAGER, user_id=user_id, session_id=session_id, email=email)
    return Person(actor=actor, token=token)


def _first(connection: Connection, statement: str, *values: object) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    number: int = row[0]
    return number


@dataclass(slots=True)
class Visit:
    """How long each page took, in seconds, by page; what went wrong; and the bytes that came."""

    seconds: list[tuple[str, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    bytes: int = 0


class Browser:
    """One tab."""

    def __init__(self, socket: ClientConnection, visit: Visit) -> None:
        self._socket = socket
        self._visit = visit
        self._view: View = ("", "")
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._finished = asyncio.Event()
        self._is_lost = False

    async def listen(self) -> None:
        """Take in what the server sends, until the connection ends."""
        async for data in self._socket:
            self._visit.bytes += len(data)
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self._take(message)

    async def open(self, view: View) -> float:
        """Open a page and return how many seconds it took to be there."""
        self._view = view
        self._stop_timers()
        self._finished.clear()
        start = time.perf_counter()
        await self._ask()
        await asyncio.wait_for(self._finished.wait(), PATIENCE)
        if self._is_lost:
            raise ConnectionError("the server has closed the connection")
        return time.perf_counter() - start

    def lose(self) -> None:
        """Wait for nothing more: the connection has ended."""
        self._is_lost = True
        self._finished.set()

    def close(self) -> None:
        """Stop the timers."""
        self._stop_timers()

    async def _ask(self, fragment_id: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.page_name, state.query_string = self._view
        state.fragment_id, state.is_auto_rerun = fragment_id, bool(fragment_id)
        state.context_info.timezone, state.context_info.locale = "Europe/Berlin", "en"
        await self._socket.send(message.SerializeToString())

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._finished.set()
        elif kind == "auto_rerun":
            timer = message.auto_rerun
            self._start_timer(timer.fragment_id, timer.interval)
        elif kind == "delta":
            self._note_fault(message.delta.new_element)
        elif kind in ("page_not_found", "session_event") or (
            kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR
        ):
            self._visit.faults.append(str(message)[:200])

    def _note_fault(self, element: Element) -> None:
        if element.WhichOneof("type") == "exception":
            self._visit.faults.append(element.exception.message)
        elif element.WhichOneof("type") == "alert" and element.alert.format == Alert.ERROR:
            self._visit.faults.append(element.alert.body)

    def _start_timer(self, fragment_id: str, interval: float) -> None:
        async def tick() -> None:
            while True:
                await asyncio.sleep(interval)
                await self._ask(fragment_id)

        if fragment_id in self._timers:
            self._timers[fragment_id].cancel()
        self._timers[fragment_id] = asyncio.ensure_future(tick())

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


@asynccontextmanager
async def open_browser(
    url: str, token: str, visit: Visit, tls: SSLContext | None = None, place: str = ""
) -> AsyncIterator[Browser]:
    """Connect as a browser does that shows this session's cookie, and that of its `place` behind a proxy with TLS."""
    async with connect(
        f"{'wss' if tls else 'ws'}://{urlsplit(url).netloc}/_stcore/stream",
        ssl=tls,
        additional_headers={"Cookie": f"{COOKIE}={token}{place and f'; {place}'}"},
        origin=Origin(url),
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        compression=None,
    ) as socket:
        browser = Browser(socket, visit)
        listening = asyncio.ensure_future(browser.listen())
        listening.add_done_callback(lambda _: browser.lose())
        try:
            yield browser
        finally:
            browser.close()
            listening.cancel()


async def browse(
    url: str,
    token: str,
    choose: Callable[[], View],
    until: float,
    think: tuple[float, float],
    tls: SSLContext | None = None,
) -> Visit:
    """Open one page after the other in one tab until the moment `until`, thinking in between."""
    visit = Visit()
    try:
        async with open_browser(url, token, visit, tls) as browser:
            while time.monotonic() < until:
                view = choose()
                visit.seconds.append((view[0], await browser.open(view)))
                await asyncio.sleep(random.uniform(*think))
    except (OSError, TimeoutError, WebSocketException) as error:
        visit.faults.append(f"{type(error).__name__}: {error}")
    return visit


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
