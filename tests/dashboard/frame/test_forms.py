"""Forms: posted once, however often they are submitted; a refusal keeps what was typed."""

from __future__ import annotations

from core.foundation.errors import InsufficientStock, KeyReused
from dashboard.frame.feedback import Messages, Notice
from dashboard.frame.forms import Draft, send


class Desk:
    """Counts what was posted under which key."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def post(self, key: str) -> Notice:
        self.keys.append(key)
        return Notice(text="done")


def test_success_says_so_and_gives_the_form_a_new_key() -> None:
    draft, told, desk = Draft(seen=5), Messages(), Desk()
    key = draft.key
    assert send(draft, key, told, lambda: desk.post(key))
    assert (told.notice and told.notice.text, told.posted) == ("done", 1)
    assert draft.key != key
    assert draft.seen is None


def test_a_second_click_on_the_same_drawing_posts_nothing() -> None:
    draft, told, desk = Draft(), Messages(), Desk()
    key = draft.key
    for _ in range(3):
        send(draft, key, told, lambda: desk.post(key))
    assert desk.keys == [key]


def test_a_refusal_keeps_the_key_so_that_sending_again_is_the_same_operation() -> None:
    draft, told = Draft(), Messages()
    key = draft.key

    def refuse() -> Notice:
        raise InsufficientStock

    assert not send(draft, key, told, refuse)
    assert draft.key == key
    assert isinstance(draft.problem, InsufficientStock)
    assert told.notice is None
    assert send(draft, key, told, lambda: Desk().post(key))
    assert draft.problem is None


def test_a_key_that_was_used_for_something_else_is_replaced() -> None:
    """The first submission was recorded, its answer was lost, and the form was changed: the next one is new."""
    draft, told = Draft(), Messages()
    key = draft.key

    def reused() -> Notice:
        raise KeyReused

    send(draft, key, told, reused)
    assert draft.key != key
    assert isinstance(draft.problem, KeyReused)
