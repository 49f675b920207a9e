"""Live pages: all tabs of a process share one answer for a moment, so a crowd of tabs costs almost nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import unwrap

import pytest

from core.foundation.errors import Unavailable
from dashboard.door import session
from dashboard.frame import live


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each query to the database; the answer is their count."""
    questions: list[int] = []

    def answer(operation: object) -> int:
        questions.append(1)
        return len(questions)

    monkeypatch.setattr(live, "_answer", (0.0, 0))
    monkeypatch.setattr(session, "run", answer)
    return questions


def test_a_hundred_tabs_ask_once(asked: list[int]) -> None:
    with ThreadPoolExecutor(20) as tabs:
        answers = list(tabs.map(lambda _: live.newest(), range(100)))
    assert set(answers) == {1}
    assert len(asked) == 1


def test_after_a_moment_the_database_is_asked_again(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.newest() == 1
    monkeypatch.setattr("dashboard.frame.live.time.monotonic", lambda: 1e9)
    assert live.newest() == 2


def test_an_answer_that_failed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_reach(operation: object) -> int:
        raise Unavailable

    monkeypatch.setattr(live, "_answer", (0.0, 0))
    monkeypatch.setattr(session, "run", out_of_reach)
    with pytest.raises(Unavailable):
        live.newest()
    monkeypatch.setattr(session, "run", lambda operation: 7)
    assert live.newest() == 7


@pytest.mark.parametrize("look", [unwrap(live._look), lambda: unwrap(live._tick)(5)], ids=["page", "live"])
def test_a_tab_is_drawn_again_once_its_shop_was_replaced(
    look: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bool] = []
    monkeypatch.setattr(session, "actor", lambda: None)
    monkeypatch.setattr(live, "newest", lambda: 5)
    monkeypatch.setattr("dashboard.frame.live.st.rerun", lambda: drawn.append(True))
    monkeypatch.setattr(session, "is_outdated", lambda: False)
    look()
    assert drawn == []
    monkeypatch.setattr(session, "is_outdated", lambda: True)
    look()
    assert drawn == [True]
