"""Control over the threads of long work: `Hand` can stop them at each step until it lets them continue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dashboard.frame import long_work
from dashboard.frame.long_work import LongWork, OneAtATime


class Hand:
    """Starts threads as a page would. While `gate` is cleared, they wait at their next step."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.gate = threading.Event()
        self.gate.set()

    def start(self, work: Any, *args: object) -> None:
        """Start a thread."""
        self.threads.append(threading.Thread(target=work, args=args))
        self.threads[-1].start()

    def let_go(self) -> None:
        """Let the work continue, and wait until it has ended."""
        self.gate.set()
        for thread in self.threads:
            thread.join(30)


@contextmanager
def hand_on(monkeypatch: pytest.MonkeyPatch, kind: type[LongWork], every: OneAtATime[Any]) -> Iterator[Hand]:
    """Control all work of a kind, as if there had been none before. Each step is reported and then waits."""
    hand, tell = Hand(), kind.tell  # type: ignore[attr-defined]

    def held(running: Any, *step: Any) -> Any:
        tell(running, *step)
        hand.gate.wait(30)
        return not getattr(running, "is_stopped", False)

    monkeypatch.setattr(long_work, "start", hand.start)
    monkeypatch.setattr(kind, "tell", held)
    monkeypatch.setattr(every, "latest", None)
    yield hand
    hand.let_go()
