"""News for open tabs: one thread of the process looks for it, and only the tabs that it concerns run again.

A tab is concerned by a newer movement than it shows, the end of its session, another shop in place of its own, and by a
database that goes away or comes back. An idle tab costs its row in one query.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.foundation.errors import Unavailable
from core.people.accounts import News
from dashboard.door import tabs
from dashboard.door.tabs import Part

log = logging.getLogger("stockroom")

EVERY_SECONDS = 2.0
SPREAD = 2.0
"""The seconds over which many concerned tabs are run: all at the same moment would wait for each other."""
PATIENCE = 180.0
"""How long a tab whose browser went away is remembered: Streamlit keeps it for a returning browser for less."""


@dataclass(slots=True, kw_only=True)
class _Tab:
    part: Part
    token: str
    shop_since: datetime | None
    latest: int | None
    """The newest movement that the tab shows; None if it shows no movements."""
    seen_at: float = field(default_factory=time.monotonic)


class Herald:
    """Remembers the open tabs, and runs the part of each that has to look, once there is something to see."""

    def __init__(
        self,
        ask: Callable[[Sequence[str]], News],
        *,
        tell: Callable[[int], None],
        run_again: Callable[[Part, asyncio.AbstractEventLoop], None] = tabs.run_again,
        is_open: Callable[[str], bool] = tabs.is_open,
    ) -> None:
        self._ask, self._tell, self._run_again, self._is_open = ask, tell, run_again, is_open
        self._tabs: dict[str, _Tab] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_down = False

    @property
    def runs(self) -> bool:
        """Whether tabs learn news from here; else they look by themselves."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look. `loop` is the server's."""
        self._loop = loop
        self._stopping.clear()
        self._thread = threading.Thread(target=self._look_on, name="news", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def watch(self, part: Part, *, token: str, shop_since: datetime | None, latest: int | None) -> None:
        """Run this part of its tab once there is news. Replaces what the tab watched before."""
        with self._lock:
            self._tabs[part.tab] = _Tab(part=part, token=token, shop_since=shop_since, latest=latest)

    def forget(self, tab: str) -> None:
        """Run nothing of this tab any more."""
        with self._lock:
            self._tabs.pop(tab, None)

    def look(self) -> int:
        """Ask once, and run the tabs that are concerned. Returns their number."""
        watched = self._watched()
        if not watched:
            return 0
        try:
            news = self._ask(sorted({tab.token for tab in watched}))
        except Unavailable:
            turned, self._is_down = not self._is_down, True
            return self._run(watched if turned else [])
        turned, self._is_down = self._is_down, False
        self._tell(news.latest)
        return self._run([tab for tab in watched if turned or _concerns(news.latest, news.shops, tab)])

    def _watched(self) -> list[_Tab]:
        now = time.monotonic()
        with self._lock:
            for id_, tab in list(self._tabs.items()):
                if self._is_open(id_):
                    tab.seen_at = now
                elif now - tab.seen_at > PATIENCE:
                    del self._tabs[id_]
            return list(self._tabs.values())

    def _run(self, concerned: Sequence[_Tab]) -> int:
        assert self._loop is not None
        for tab in concerned:
            self._run_again(tab.part, self._loop)
            if len(concerned) > 1 and self._stopping.wait(min(SPREAD / len(concerned), 0.05)):
                break
        return len(concerned)

    def _look_on(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            try:
                self.look()
            except Exception:
                log.exception("Looking for news failed; it goes on in %s seconds", EVERY_SECONDS)


def _concerns(latest: int, shops: Mapping[str, datetime | None], tab: _Tab) -> bool:
    is_over = tab.token not in shops or shops[tab.token] != tab.shop_since
    return is_over or (tab.latest is not None and latest > tab.latest)
