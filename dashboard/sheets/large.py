"""A file that is read and posted: a small one at once, a large one in a thread each, with a bar and Cancel."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

import streamlit as st

from core.foundation.errors import StockError
from core.sheets.reading import Tell
from dashboard.door import session
from dashboard.frame import feedback, forms, long_work, words
from dashboard.frame.forms import Draft, Values
from dashboard.language.texts import tr
from dashboard.sheets import work
from dashboard.sheets.work import FileWork

T = TypeVar("T")
P = ParamSpec("P")
Run = Callable[..., Any]
"""Runs an operation of core as the person who is signed in, as `session.run` does."""


@dataclass(slots=True, kw_only=True)
class Reading(FileWork, Generic[T]):
    """The reading of a large file, and what it found. `of` names the file and how it is read."""

    called: str = "reading"
    of: Hashable
    found: T | None = None


@dataclass(slots=True, kw_only=True)
class Sending(FileWork, Generic[T]):
    """The posting of a large file, the form it was sent with, what was typed, and what makes the message."""

    called: str = "posting"
    draft: Draft
    key: str
    typed: dict[str, Any]
    say: Callable[[T], feedback.Notice]
    result: T | None = None


def is_large(rows: int) -> bool:
    """Whether a file of that many rows is read and posted in threads."""
    return rows > work.LARGE


def read(key: str, of: Hashable, rows: int, do: Callable[[Run, Callable[[str], Tell]], T]) -> T | None:
    """Return what `do` makes of a file. None: it is still being read, or was shown why it cannot be.

    A small file is read each time, a large one once. `do` receives what runs an operation, and what begins a step: it
    returns the function that takes the rows done and the rows in all. `key` names the uploader in this tab.
    """
    if not is_large(rows):
        try:
            return do(session.run, lambda _: lambda *_: None)
        except StockError as error:
            feedback.show(error)
            return None
    slot = _reading(key)
    reading: Reading[T] | None = st.session_state.get(slot)
    if reading is None or reading.of != of:
        if reading is not None and not reading.is_over:
            reading.stop()
        person = session.actor()
        reading = st.session_state[slot] = Reading(who=person.name, person=person, of=of)
        long_work.start(reading.work, lambda: _read(reading, do))
    if not reading.is_over:
        work.watch(reading, slot)
    elif reading.found is None:
        work.show_problem(reading)
        st.button(tr("Read the file again"), key=f"{slot}_again", on_click=st.session_state.pop, args=(slot, None))
    return reading.found if reading.is_over else None


def _read(reading: Reading[T], do: Callable[[Run, Callable[[str], Tell]], T]) -> None:
    def step(doing: str) -> Tell:
        reading.step(doing)
        return reading.tell

    reading.found = do(reading.run, step)


def submit(
    key: str,
    form: forms.Form,
    rows: int,
    label: str,
    post: Callable[[Run, str, Values], T],
    *,
    say: Callable[[T], feedback.Notice] = feedback.posted,  # type: ignore[assignment]
    after: Callable[[], None] | None = None,
) -> None:
    """Draw the submit button of a file, as `forms.submit` does. `post` must be one operation. A file is posted once.

    A large file is posted in a thread, and `show_sending` shows it.
    """
    is_done = form.draft.posted
    if not is_large(rows):

        def post_small(once: str, values: Values) -> T:
            return post(session.run, once, values)

        forms.submit(form, label, post_small, say=say, after=after, is_done=is_done)
        return
    if form.draft.problem is not None:
        feedback.show(form.draft.problem)
    draft, inputs, slot, person = form.draft, dict(form.inputs), _sending(key), session.actor()

    def begin(once: str) -> None:
        if draft.key != once or slot in st.session_state:
            return  # a second click
        values = {name: st.session_state.get(widget) for name, widget in inputs.items()}
        typed = {inputs[name]: value for name, value in values.items()}
        doing = tr("Posting {rows}", rows=words.plural(rows, "row"))
        sending = Sending(who=person.name, person=person, doing=doing, draft=draft, key=once, typed=typed, say=say)

        def do() -> None:
            sending.result = post(sending.run, once, values)

        st.session_state[slot] = sending
        long_work.start(sending.work, do)

    st.form_submit_button(
        label, key=f"{form.name}_send_{draft.key[-8:]}", type="primary", width="stretch", on_click=begin,
        args=(draft.key,), disabled=is_done,
    )  # fmt: skip


def show_sending(key: str, after: Callable[[], None] | None = None) -> bool:
    """Show the posting of a large file while it runs, and return whether it does.

    Call it before the form is drawn. After success, `after` runs and the page is drawn again with the message.
    """
    slot = _sending(key)
    sending: Sending[Any] | None = st.session_state.get(slot)
    if sending is None:
        return False
    if not sending.is_over:
        work.watch(sending, slot)
        return True
    if sending.result is not None:
        forms.send(sending.draft, sending.key, feedback.messages(), lambda: _notice(sending))
        st.session_state.pop(slot, None)
        if after:
            st.session_state.pop(_reading(key), None)
            after()
        st.rerun()
    _show_refused(key, sending)
    st.session_state.pop(slot, None)
    return False


def _notice(sending: Sending[Any]) -> feedback.Notice:
    if sending.problem is not None:
        raise sending.problem
    notice: feedback.Notice = sending.say(sending.result)
    notice.until = time.monotonic() + feedback.SECONDS
    return notice


def _show_refused(key: str, sending: Sending[Any]) -> None:
    """Say that it was cancelled, or keep the refusal for the form; the levels have changed, so compare them again."""
    for widget, value in sending.typed.items():  # not drawn meanwhile, so Streamlit has forgotten them
        st.session_state[widget] = value
    if sending.is_stopped:
        work.show_problem(sending)
    else:
        forms.send(sending.draft, sending.key, feedback.messages(), lambda: _notice(sending))
        st.session_state.pop(_reading(key), None)


def _reading(key: str) -> str:
    return f"_large_{key}_reading"


def _sending(key: str) -> str:
    return f"_large_{key}_sending"
