"""Forms that are recorded once, however often they are sent, and the inputs they are made of.

A form owns an idempotency key from the moment it is drawn. The key goes into the names of its inputs and, as an
argument, into the submit button's callback, so a second click on the same drawing is the same operation. Only success
replaces the key; with it the inputs begin empty again. A refusal keeps key and inputs.

The callback reads everything it needs first, then transacts, then only changes plain objects: Streamlit may stop a run
at any of its own calls, and must not come between a commit and the message about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from core.foundation.errors import KeyReused, StockError, invalid
from core.foundation.model import MAX_UNITS, LevelRow, MovementType, Reason
from core.ledger.changes import new_key
from dashboard.frame import feedback, words

Values = Mapping[str, Any]
T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """What a tab remembers of a form between its drawings. `seen`: for a set, the level it was opened with."""

    key: str = field(default_factory=new_key)
    problem: StockError | None = None
    seen: int | None = None
    seen_after: int = 0

    def renew(self) -> None:
        """Begin anew: another operation, empty inputs."""
        self.key, self.problem, self.seen = new_key(), None, None


@dataclass(slots=True)
class Form:
    """One drawing of a form: its draft, and the inputs drawn so far."""

    name: str
    draft: Draft
    inputs: dict[str, str] = field(default_factory=dict)

    def input(self, name: str) -> str:
        """Return the key of an input's widget."""
        self.inputs[name] = f"{self.name}_{name}_{self.draft.key[-8:]}"
        return self.inputs[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A reason in one direction, as the select box offers it."""

    reason: Reason
    sign: int

    @property
    def label(self) -> str:
        """The reason with its direction, and whether it asks for a note."""
        return f"{'+' if self.sign > 0 else words.MINUS} {_with_note(self.reason)}"


def begin(name: str) -> Form:
    """Return this tab's form of that name; `name` holds what it is about, so another variant has another draft."""
    return Form(name=name, draft=st.session_state.setdefault(f"_draft_{name}", Draft()))


def submit(
    form: Form,
    label: str,
    post: Callable[[str, Values], T],
    *,
    icon: str | None = None,
    tell: Callable[[T], feedback.Notice] = feedback.posted,  # type: ignore[assignment]
    after: Callable[[], None] | None = None,
    is_main: bool = True,
) -> None:
    """Draw the submit button, and above it why the last try was refused. `post` gets the key and the values by name.

    `tell` puts the result into words; `after` runs once it was posted; `is_main`: it is what people come for.
    """
    if form.draft.problem is not None:
        feedback.show(form.draft.problem)
    draft, inputs = form.draft, dict(form.inputs)

    def send_it(key: str) -> None:
        values = {name: st.session_state.get(widget) for name, widget in inputs.items()}
        memory = feedback.told()
        if send(draft, key, memory, lambda: tell(post(key, values))) and after:
            after()

    st.form_submit_button(
        label,
        key=f"{form.name}_send_{draft.key[-8:]}",
        type="primary" if is_main else "secondary",
        icon=icon,
        width="stretch",
        on_click=send_it,
        args=(draft.key,),
    )


def send(draft: Draft, key: str, memory: feedback.Told, post: Callable[[], feedback.Notice]) -> bool:
    """Post, then say so and renew the draft; a refusal is kept in the draft. Nothing of Streamlit after the commit.

    Returns whether it was posted now.
    """
    if draft.key != key:
        return False  # a second click on a drawing that was recorded meanwhile
    try:
        notice = post()
    except StockError as error:
        draft.problem = error
        memory.forget()  # "done" beside "nothing was changed" would read as a contradiction
        if isinstance(error, KeyReused):
            draft.key = new_key()  # what was sent first is recorded; what is sent next is something new
        return False
    memory.tell(notice)
    draft.renew()
    return True


def units(values: Values, name: str = "units") -> int:
    """Return the units typed into a form. Raises InvalidInput where there are none."""
    if values[name] is None:
        raise invalid(name, "are missing; say how many")
    return int(values[name])


def quantity(
    form: Form, label: str = "Units", *, name: str = "units", lowest: int = 1, value: int | None = None
) -> None:
    """Ask for whole units; core checks them again."""
    st.number_input(
        label, lowest, MAX_UNITS, value=value, step=1, key=form.input(name), placeholder="How many units", required=True
    )


def reason(form: Form, reasons: Sequence[Reason], kinds: Sequence[MovementType], *, first: str = "") -> None:
    """Ask why, and with it in which direction; the reason called `first` is offered first."""
    found = [
        Choice(reason=row, sign=sign)
        for row in reasons
        if row.movement_type in kinds and row.by_hand and row.is_active
        for sign in ((row.sign,) if row.sign else (1, -1))
    ]
    found.sort(
        key=lambda choice: (
            choice.reason.reason != first,
            choice.reason.note_required,
            -choice.sign,
            choice.reason.label,
        )
    )
    st.selectbox("Reason", found, key=form.input("reason"), format_func=lambda choice: choice.label)


def any_direction(form: Form, reasons: Sequence[Reason], kinds: Sequence[MovementType]) -> None:
    """Ask why, where the direction is that of each line."""
    found = [row for row in reasons if row.movement_type in kinds and row.by_hand and row.is_active]
    found.sort(key=lambda row: (row.sign != 0, row.label))
    st.selectbox("Reason", found, key=form.input("reason"), format_func=_with_note)


def count_reason(form: Form, reasons: Sequence[Reason]) -> None:
    """Ask why a level is set: a count, or a correction."""
    found = [
        row
        for row in reasons
        if row.is_active and row.by_hand and (row.movement_type is MovementType.COUNT or row.reason == "correction")
    ]
    found.sort(key=lambda row: (row.movement_type is not MovementType.COUNT, row.reason != "cycle_count", row.label))
    st.selectbox("Reason", found, key=form.input("reason"), format_func=_with_note)


def _with_note(row: Reason) -> str:
    return f"{row.label}{' (with a note)' if row.note_required else ''}"


def note(
    form: Form,
    *,
    label: str = "Note",
    placeholder: str = "What happened, for whoever asks later",
    required: bool = False,
) -> None:
    """Ask for a note; Enter in it sends the form. Core says how long it may be: a limit here would cut it silently."""
    st.text_input(label, key=form.input("note"), placeholder=placeholder, required=required)


def reference(form: Form) -> None:
    """Ask for the number of the delivery note or the purchase order."""
    st.text_input("Reference", key=form.input("reference"), placeholder="Delivery note or order number")


def open_with(form: Form, row: LevelRow) -> int:
    """Return the level a set form was opened with. It stays, whatever others do meanwhile, until this tab posts."""
    draft, posted = form.draft, feedback.told().posted
    if draft.seen is None or draft.seen_after != posted:
        draft.seen, draft.seen_after = row.on_hand, posted
    return draft.seen
