"""News for open tabs: who is run again, who is left alone, and that this Streamlit runs a part of a tab for us."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.state import SafeSessionState, SessionState

from core.foundation.errors import Unavailable
from core.people.accounts import News
from dashboard.door import tabs
from dashboard.door.news import Herald
from dashboard.door.tabs import Part
from tests.bench import browsing
from tests.bench.browsing import Browser, Visit
from tests.bench.place import libpq_url
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.servers import Server

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass
class Desk:
    """A herald whose database and tabs are those of the test."""

    answer: News | None = field(default_factory=lambda: News(latest=5, shops={"a": SINCE, "b": SINCE}))
    ran: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=lambda: {"first", "second"})

    def __post_init__(self) -> None:
        self.herald = Herald(self._ask, tell=lambda _: None, run_again=self._run, is_open=self.open.__contains__)
        self.herald._loop = asyncio.new_event_loop()
        self.herald.watch(Part("first", "x"), token="a", shop_since=SINCE, latest=5)
        self.herald.watch(Part("second", "y"), token="b", shop_since=SINCE, latest=None)

    def _ask(self, _: Sequence[str]) -> News:
        if self.answer is None:
            raise Unavailable
        return self.answer

    def _run(self, part: Part, _: asyncio.AbstractEventLoop) -> None:
        self.ran.append(part.tab)

    def look(self) -> list[str]:
        self.ran.clear()
        self.herald.look()
        return sorted(self.ran)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    assert made.herald._loop is not None
    made.herald._loop.close()


def test_nothing_runs_while_nothing_happens(desk: Desk) -> None:
    assert [desk.look(), desk.look()] == [[], []]


def test_a_newer_movement_runs_the_tabs_that_show_movements(desk: Desk) -> None:
    desk.answer = News(latest=6, shops={"a": SINCE, "b": SINCE})
    assert desk.look() == ["first"]
    assert desk.look() == ["first"], "a tab that was busy is asked again"
    desk.herald.watch(Part("first", "x"), token="a", shop_since=SINCE, latest=6)
    assert desk.look() == []


def test_the_end_of_a_session_and_another_shop_concern_every_page(desk: Desk) -> None:
    desk.answer = News(latest=5, shops={"a": SINCE})
    assert desk.look() == ["second"]
    desk.answer = News(latest=5, shops={"a": LATER, "b": SINCE})
    assert desk.look() == ["first"]


def test_a_lost_database_is_shown_once_and_its_return_once(desk: Desk) -> None:
    known, desk.answer = desk.answer, None
    assert [desk.look(), desk.look()] == [["first", "second"], []]
    desk.answer = known
    assert [desk.look(), desk.look()] == [["first", "second"], []]


def test_a_tab_that_left_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.herald.forget("second")
    desk.answer = News(latest=6, shops={})
    assert desk.look() == ["first"]
    desk.open.clear()
    assert desk.look() == ["first"], "a browser may come back"
    monkeypatch.setattr("dashboard.door.news.time.monotonic", lambda: 1e9)
    assert desk.look() == []


def test_a_field_finds_its_own_value_as_streamlit_does(monkeypatch: pytest.MonkeyPatch) -> None:
    state = SafeSessionState(SessionState(), lambda: None)
    state["name"], state["empty"] = "Mia", None
    whole = state.filtered_state
    monkeypatch.setattr(SafeSessionState, "filtered_state", vars(SafeSessionState)["filtered_state"])
    tabs.look_up_single_values()
    values = state.filtered_state
    assert not isinstance(values, dict)
    assert dict(values) == whole == {"name": "Mia", "empty": None}
    assert ("empty" in values, values["empty"], "missing" in values, len(values)) == (True, None, False, 2)


def test_the_theme_that_was_read_once_is_the_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    read, reads = app_session._populate_theme_msg, list[str]()

    def noted(msg: CustomThemeConfig, section: str = "theme") -> None:
        reads.append(section)
        read(msg, section)

    monkeypatch.setattr(app_session, "_populate_theme_msg", noted)
    tabs.read_theme_once()
    sent = [CustomThemeConfig(), CustomThemeConfig(), CustomThemeConfig()]
    for message, fill in zip(sent, (read, *[app_session._populate_theme_msg] * 2), strict=True):
        fill(message)
        fill(message.light, "theme.light")
        fill(message.dark.sidebar, "theme.dark.sidebar")
    assert sent[0].ByteSize()
    assert sent[0] == sent[1] == sent[2]
    assert reads == ["theme", "theme.light", "theme.dark.sidebar"]


@pytest.fixture(scope="module")
def own_shop(embedded: Server) -> Iterator[Shop]:
    yield from open_fresh(embedded)


@pytest.mark.slow
def test_two_open_tabs_learn_of_a_movement_and_of_the_end_of_their_session_without_asking(own_shop: Shop) -> None:
    variant_id = own_shop.variant(10, sku="NEWS-1")
    with psycopg.connect(libpq_url(own_shop.owner_url), autocommit=True) as connection:
        people = [browsing.sign_in(connection, number) for number in range(2)]
    with serve(own_shop.app_url) as url:
        asyncio.run(_read(own_shop, url, [person.token for person in people], "NEWS-1", variant_id))


async def _read(shop: Shop, url: str, tokens: Sequence[str], sku: str, variant_id: UUID) -> None:
    visits = [Visit(), Visit()]
    async with (
        browsing.open_browser(url, tokens[0], visits[0]) as first,
        browsing.open_browser(url, tokens[1], visits[1]) as second,
    ):
        await first.open(("stock", f"sku={sku}"))
        await second.open(("settings", ""))
        assert (first._timers, second._timers) == ({}, {}), "an idle tab asks for nothing"
        drawn = [_drawn_again(first), _drawn_again(second)]
        await asyncio.to_thread(shop.adjust, variant_id, 3)
        assert "13" in await drawn[0]()
        drawn[0] = _drawn_again(first)
        await asyncio.to_thread(shop.sql, "update stockroom.sessions set revoked_at = now()")
        for text in drawn:
            assert "Your session has ended" in await text()
    assert [visit.faults for visit in visits] == [[], []]


def _drawn_again(browser: Browser) -> Callable[[], Awaitable[str]]:
    """Return what waits until the tab is drawn again, without its browser having asked, and gives what came."""
    came: list[str] = []
    browser._finished.clear()
    usual = Browser._take

    def take(message: ForwardMsg) -> None:
        came.append(str(message))
        usual(browser, message)

    browser._take = take  # type: ignore[method-assign]

    async def wait() -> str:
        await asyncio.wait_for(browser._finished.wait(), browsing.PATIENCE)
        return "".join(came)

    return wait
