"""Forms that post once, however often they are submitted, and their inputs.

A form has an idempotency key from the moment it is drawn. The key is part of the keys of its inputs and an argument of
the submit button's callback, so a second click on the same drawing is the same operation. Success replaces the key, and
with it empties the inputs. A refusal keeps both.

The callback first reads everything it needs, then runs the transaction, then changes only plain objects. Streamlit may
stop a run at any call of its own, and must not do so between the commit and the message about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic
from typing import Any, Literal, TypeVar

import streamlit as st

from core.carts.values import minor_digits
from core.foundation import numbers
from core.foundation.errors import KeyReused, StockError
from core.foundation.model import MAX_UNITS, LevelRow, MovementType, Reason
from core.ledger.changes import new_key
from dashboard.frame import feedback, words
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import tr

DOUBLE_CLICK = 1.5
"""Seconds. In this time after a form of a list has posted, another one may have moved under the pointer."""
Values = Mapping[str, Any]
T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """The state of a form between its drawings. `seen`: in a form that sets a level, the level when it was opened.

    `posted`: it has posted since it was opened. `again`: the key that posted last, and what runs after it.
    """

    key: str = field(default_factory=new_key)
    problem: StockError | None = None
    seen: int | None = None
    seen_after: int = 0
    posted: bool = False
    again: tuple[str, Callable[[], None]] | None = None

    def renew(self) -> None:
        """Start over with a new key and empty inputs."""
        self.key, self.problem, self.seen, self.posted = new_key(), None, None, True


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
        """The reason with its direction, and whether it requires a note."""
        return f"{'+' if self.sign > 0 else words.MINUS} {_with_note(self.reason)}"


def begin(name: str) -> Form:
    """Return this tab's form of that name. `name` includes its subject, so each variant has its own draft."""
    return Form(name=name, draft=st.session_state.setdefault(f"_draft_{name}", Draft()))


def submit(
    form: Form,
    label: str,
    post: Callable[[str, Values], T],
    *,
    icon: str | None = None,
    say: Callable[[T], feedback.Notice] = feedback.posted,  # type: ignore[assignment]
    after: Callable[[], None] | None = None,
    is_main: bool = True,
    is_done: bool = False,
    among: str = "",
) -> None:
    """Draw the submit button, and above it why the last attempt was refused.

    `post` receives the key and the values by name. `say` makes the message from its result. `after` runs after success.
    `is_main`: this is the main action of the form's card. `is_done`: its work is done, so it cannot be pressed.
    `among`: the list of forms in which the next one moves to the place of one that has posted. A second click there
    does nothing, as on the same form.
    """
    if form.draft.problem is not None:
        feedback.show(form.draft.problem)
    draft, inputs = form.draft, dict(form.inputs)

    def send_it(key: str) -> None:
        values = {name: st.session_state.get(widget) for name, widget in inputs.items()}
        posted: dict[str, float] = st.session_state.setdefault("_posted_among", {})
        if among and monotonic() - posted.get(among, -DOUBLE_CLICK) < DOUBLE_CLICK:
            return
        if send(draft, key, feedback.messages(), lambda: say(post(key, values))):
            posted[among] = monotonic()
            draft.again = (key, after) if after else None
        # A second click stops this run at its next call of Streamlit, so it comes here with the same key and goes on.
        if draft.again and draft.again[0] == key:
            draft.again[1]()

    st.form_submit_button(
        label,
        key=f"{form.name}_send_{draft.key[-8:]}",
        type="primary" if is_main else "secondary",
        icon=icon,
        disabled=is_done,
        width="stretch",
        on_click=send_it,
        args=(draft.key,),
    )


def send(draft: Draft, key: str, messages: feedback.Messages, post: Callable[[], feedback.Notice]) -> bool:
    """Post, then put the message and renew the draft; keep a refusal in the draft.

    Calls nothing of Streamlit after the commit. Returns whether it posted.
    """
    if draft.key != key:
        return False  # a second click on a drawing whose first click has been recorded
    try:
        notice = post()
    except StockError as error:
        draft.problem = error
        messages.clear()  # an older success message would contradict "Nothing was changed."
        if isinstance(error, KeyReused):
            draft.key = new_key()  # the first submission is recorded; the next one is a new operation
        return False
    messages.put(notice)
    draft.renew()
    return True


def units(values: Values, name: str = "units", *, lowest: int = 1, highest: int = MAX_UNITS) -> int:
    """Return the units typed into a form. Raises InvalidInput unless they are one whole number in the range."""
    return read_units(values[name], name.partition("_")[0], lowest=lowest, highest=highest)


def some_units(values: Values, name: str, *, highest: int = MAX_UNITS) -> int:
    """Return the units typed into a field that may stay empty, which is none. Raises InvalidInput as `units` does."""
    return units(values, name, lowest=0, highest=highest) if values.get(name) else 0


def read_units(typed: str | int | None, field: str = "units", *, lowest: int = 1, highest: int = MAX_UNITS) -> int:
    """Return typed units as one whole number, with thousands as in the reader's language. Raises InvalidInput."""
    mark = formats.group_mark(st.context.locale)
    return numbers.whole(typed, field, lowest=lowest, highest=highest, mark=mark)


def quantity(form: Form, label: str = "Units", *, name: str = "units") -> None:
    """Draw an input for whole units, to be read with `units`."""
    number_field(tr(label), key=form.input(name), placeholder=tr("Number of units"), required=True)


def cost(form: Form, label: str = "Unit cost", *, name: str = "cost", placeholder: str = "61.00") -> None:
    """Draw an input for what one unit cost, to be read with `some_cost`."""
    st.text_input(tr(label), key=form.input(name), placeholder=placeholder)


def some_cost(values: Values, currency: str, name: str = "cost") -> Decimal | None:
    """Return the unit cost typed into a form, or None if it is empty. Raises InvalidInput."""
    typed = (values[name] or "").strip()
    mark = numbers.group_mark(st.context.locale)
    return numbers.amount(typed, "unit cost", digits=max(minor_digits(currency), 2), mark=mark) if typed else None


def number_field(
    label: str,
    *,
    key: str,
    value: str | int | None = None,
    placeholder: str | None = None,
    required: bool = False,
    width: int | Literal["stretch"] = "stretch",
    on_change: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
) -> None:
    """Draw an input for a number. It is a text: a number input cuts 1.5 to 1, and makes 15 of 1,5, without a word.

    Phones show their keypad for it.
    """
    text = None if value is None else str(value)
    st.text_input(
        label, text or "", type="phone", icon="", autocomplete="off", validate="", key=key,
        placeholder=placeholder or "", required=required, width=width, on_change=on_change, args=args,
    )  # fmt: skip


def reason(form: Form, reasons: Sequence[Reason], kinds: Sequence[MovementType], *, first: str = "") -> None:
    """Draw the choice of a reason with its direction. The reason with the code `first` is preselected."""
    found = [
        Choice(reason=row, sign=sign)
        for row in reasons
        if row.movement_type in kinds and row.by_hand and row.is_active
        for sign in ((row.sign,) if row.sign else (1, -1))
    ]
    found.sort(key=lambda choice: (choice.reason.reason != first, choice.reason.note_required, -choice.sign,
                                   choice.reason.label))  # fmt: skip
    st.selectbox(tr("Reason"), found, key=form.input("reason"), format_func=lambda choice: choice.label)


def any_direction(form: Form, reasons: Sequence[Reason], kinds: Sequence[MovementType]) -> None:
    """Draw the choice of a reason where each line has its own direction."""
    found = [row for row in reasons if row.movement_type in kinds and row.by_hand and row.is_active]
    found.sort(key=lambda row: (row.sign != 0, row.label))
    st.selectbox(tr("Reason"), found, key=form.input("reason"), format_func=_with_note)


def count_reason(form: Form, reasons: Sequence[Reason]) -> None:
    """Draw the choice of a reason for setting a level: a count, or a correction."""
    found = [
        row
        for row in reasons
        if row.is_active and row.by_hand and (row.movement_type is MovementType.COUNT or row.reason == "correction")
    ]
    found.sort(key=lambda row: (row.movement_type is not MovementType.COUNT, row.reason != "cycle_count", row.label))
    st.selectbox(tr("Reason"), found, key=form.input("reason"), format_func=_with_note)


def _with_note(row: Reason) -> str:
    return f"{translated(row.label)}{(tr(' (note required)') if row.note_required else '')}"


def note(
    form: Form,
    *,
    label: str = "Note",
    placeholder: str = "What happened",
    required: bool = False,
) -> None:
    """Draw the note; Enter submits the form. Core limits its length: a limit here would cut the text silently."""
    st.text_input(tr(label), key=form.input("note"), placeholder=tr(placeholder), required=required)


def reference(form: Form) -> None:
    """Draw an input for the number of a delivery note or purchase order."""
    st.text_input(tr("Reference"), key=form.input("reference"), placeholder=tr("Delivery note or order number"))


def opened_level(form: Form, row: LevelRow) -> int:
    """Return the level with which a form that sets it was opened. It stays the same until this tab posts."""
    draft, posted = form.draft, feedback.messages().posted
    if draft.seen is None or draft.seen_after != posted:
        draft.seen, draft.seen_after = row.on_hand, posted
    return draft.seen


def opened_with(form: Form, read: Callable[[], T]) -> T:
    """Return the values with which a form was opened, as `read` gave them. Saving or opening it again ends them."""
    if _opened(form) not in st.session_state:
        open_again(form, read())
    known: T = st.session_state[_opened(form)]
    return known


def open_again(form: Form, values: object) -> None:
    """Take these as the values with which a form was opened."""
    st.session_state[_opened(form)] = values


def _opened(form: Form) -> str:
    return f"_opened_{form.draft.key}"
