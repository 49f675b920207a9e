"""Messages of pages reach the server's loop together, in their order, and none is lost when the next run begins."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.scriptrunner import RerunData, ScriptRunnerEvent

from dashboard.door import tabs


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit is as it was after the test."""
    for owner, name in ((AppSession, "_call_soon_on_event_loop"), (AppSession, "request_rerun")):
        monkeypatch.setattr(owner, name, vars(owner)[name])
    monkeypatch.setattr(Runtime, "_enqueued_some_message", vars(Runtime)["_enqueued_some_message"])


def in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def until(loop: asyncio.AbstractEventLoop, is_true: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not is_true():
            await asyncio.sleep(0.001)

    loop.run_until_complete(asyncio.wait_for(wait(), 10))


def test_a_pages_messages_come_in_their_order_and_wake_the_loop_once(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    wake = loop.call_soon_threadsafe

    def noted(callback: Any, *values: Any, **more: Any) -> asyncio.Handle:
        woken.append(callback)
        return wake(callback, *values, **more)

    monkeypatch.setattr(loop, "call_soon_threadsafe", noted)
    gathered, came = tabs.Gathered(loop), list[int]()

    def draw() -> None:
        for number in range(80):
            gathered.add(partial(came.append, number))

    in_a_thread(draw)
    until(loop, lambda: len(came) == 80)
    assert came == list(range(80))
    assert len(woken) == 1


def test_a_message_that_fails_is_logged_and_the_others_come(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    gathered, came = tabs.Gathered(loop), list[str]()
    gathered.add(partial(came.append, "first"))
    gathered.add(partial(divmod, 1, 0))
    gathered.add(partial(came.append, "last"))
    until(loop, lambda: "last" in came)
    assert came == ["first", "last"]
    assert "ZeroDivisionError" in caplog.text


def test_a_message_after_the_server_has_stopped_is_dropped_without_a_fault() -> None:
    loop = asyncio.new_event_loop()
    gathered = tabs.Gathered(loop)
    loop.close()
    gathered.add(lambda: pytest.fail("no loop is left to call this"))


def test_what_a_run_said_last_is_kept_when_the_next_run_begins_at_once(
    loop: asyncio.AbstractEventLoop, unpatched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs, "SECONDS_TO_GATHER", 3600)
    monkeypatch.setattr(AppSession, "_create_scriptrunner", lambda tab, _: tab.__dict__.update(_scriptrunner=None))
    tabs.gather_messages(loop)
    session = _a_tab(loop)
    runner, said = session._scriptrunner, ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)
    in_a_thread(lambda: session._on_scriptrunner_event(runner, ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, forward_msg=said))

    async def ask_for_the_next_run() -> None:
        session.request_rerun(ClientState())

    loop.run_until_complete(ask_for_the_next_run())
    assert session._scriptrunner is not runner, "the next run has begun"
    assert session.flush_browser_queue() == [said]
    session._state = AppSessionState.SHUTDOWN_REQUESTED  # it has nothing to shut down


def _a_tab(loop: asyncio.AbstractEventLoop) -> AppSession:
    """Return a tab whose run is ending: no more of it than this test needs."""

    class Ending:
        def request_rerun(self, _: RerunData) -> bool:
            """A run that is ending takes no further request."""
            return False

    session = object.__new__(AppSession)
    session._event_loop, session._scriptrunner = loop, Ending()  # type: ignore[assignment]
    session._state, session._client_state = AppSessionState.APP_IS_RUNNING, ClientState()
    session._browser_queue, session._message_enqueued_callback = ForwardMsgQueue(), None
    return session
