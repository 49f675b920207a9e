"""What the pages need of Streamlit beyond its documented interface: running a part of an open tab, and cheaper runs.

Only this module uses it. Its test fails with a Streamlit that changes it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state.safe_session_state import SafeSessionState

log = logging.getLogger("stockroom")

SECONDS_TO_GATHER = 0.008
"""How long the messages of all tabs wait for more. A page of eighty messages takes longer to draw."""


@dataclass(frozen=True, slots=True)
class Part:
    """A fragment of a tab."""

    tab: str
    fragment: str


def here() -> Part | None:
    """Return the fragment that this thread draws, or None outside of one."""
    context, fragment = get_script_run_ctx(), ThreadState.get().fragment_id
    return Part(context.session_id, fragment) if context and fragment else None


def this_tab() -> str | None:
    """Return the id of the tab that this thread draws."""
    context = get_script_run_ctx()
    return context.session_id if context else None


def is_open(tab: str) -> bool:
    """Return whether a browser is connected to this tab."""
    return runtime.exists() and runtime.get_instance().get_app_session(tab) is not None


def run_again(part: Part, loop: asyncio.AbstractEventLoop) -> None:
    """Run a fragment of an open tab, as if the tab's browser had asked for it. `loop` is the server's.

    Nothing happens in a tab that is drawing itself, has no browser, or no longer has the fragment.
    """
    loop.call_soon_threadsafe(_run_again, part)


def _run_again(part: Part) -> None:
    session = runtime.get_instance().get_app_session(part.tab) if runtime.exists() else None
    if session is None or session._scriptrunner is not None or not session.has_fragment(part.fragment):
        return
    state = ClientState()
    state.CopyFrom(session._client_state)  # the address and the page of the last run
    state.fragment_id, state.is_auto_rerun = part.fragment, True
    session.request_rerun(state)


_copy: Callable[[SafeSessionState], dict[str, Any]] = vars(SafeSessionState)["filtered_state"].fget


class _Values(Mapping[str, Any]):
    """The values of a tab by key. They are copied only to walk through all of them."""

    def __init__(self, state: SafeSessionState) -> None:
        self._state = state

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._state

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_copy(self._state))

    def __len__(self) -> int:
        return len(_copy(self._state))

    def __str__(self) -> str:
        return str(_copy(self._state))


def look_up_single_values() -> None:
    """Let a widget look up its own value.

    Streamlit's fields copy the whole state of the tab, each of them, to read a single value of it: a fifth of the
    cost of a page with forms.
    """
    SafeSessionState.filtered_state = property(_Values)  # type: ignore[assignment]


def read_theme_once() -> None:
    """Let each run of a page send the theme that the first one read.

    Streamlit reads all options of its six sections before each run: a tenth of the cost of a page. They do not change
    while it runs.
    """
    read = app_session._populate_theme_msg

    @cache
    def theme(section: str) -> CustomThemeConfig:
        found = CustomThemeConfig()
        read(found, section)
        return found

    def copy(msg: CustomThemeConfig, section: str = "theme") -> None:
        if theme(section).ByteSize():  # merging nothing would set the field
            msg.MergeFrom(theme(section))

    app_session._populate_theme_msg = copy


class Gathered:
    """What the threads that draw pages hand to the server's loop: in their order, and together.

    Streamlit wakes the loop twice for each message. Each time, the loop takes the interpreter from a thread that draws.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []

    def add(self, callback: Callable[[], object]) -> None:
        """Let the loop call this soon, after all that was added before. A loop that is closed never does."""
        with self._lock:
            self._waiting.append(callback)
            is_first = len(self._waiting) == 1
        if is_first:
            try:
                self._loop.call_soon_threadsafe(self._loop.call_later, SECONDS_TO_GATHER, self.pass_on)
            except RuntimeError:
                if not self._loop.is_closed():
                    raise

    def pass_on(self) -> None:
        """Call all that waits now. Only the loop's own thread does it; nothing happens on others."""
        if asyncio._get_running_loop() is not self._loop:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for callback in waiting:
            try:
                callback()
            except Exception:  # the others are called
                log.exception("A message of a page failed: %s", callback)


_rerun, _wake = AppSession.request_rerun, Runtime._enqueued_some_message


def gather_messages(loop: asyncio.AbstractEventLoop) -> None:
    """Let the pages hand their messages to the server's loop together.

    A tab that begins its next run no longer takes messages of the one before, so what waits is passed on first.
    """
    gathered = Gathered(loop)

    def call_soon(_: AppSession, callback: Callable[[], None]) -> None:
        gathered.add(callback)

    def request_rerun(session: AppSession, client_state: ClientState | None) -> None:
        gathered.pass_on()
        _rerun(session, client_state)

    def wake(server: Runtime) -> None:
        if asyncio._get_running_loop() is loop:
            server._get_async_objs().need_send_data.set()
        else:
            _wake(server)

    AppSession._call_soon_on_event_loop = call_soon  # type: ignore[assignment, method-assign]
    AppSession.request_rerun = request_rerun  # type: ignore[assignment, method-assign]
    Runtime._enqueued_some_message = wake  # type: ignore[assignment, method-assign]
