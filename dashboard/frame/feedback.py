"""What a page says after an action: a refusal with its next step, or what was done, with Undo beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import streamlit as st

from core.foundation.errors import (
    AlreadyReversed,
    EventsGone,
    Forbidden,
    InsufficientStock,
    KeyReused,
    LevelChanged,
    Refused,
    RestoresTooMuch,
    SignInRequired,
    StockError,
    StripeRefused,
    Unavailable,
    UnknownVariant,
    Unreadable,
)
from core.foundation.model import Actor, Posting
from core.ledger import changes as ledger
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import words

UNDO_NOTE = "Undone right after it was posted"
SECONDS = 30
"""How long a message with Undo stays; the history keeps its own Undo for good."""

_NEXT_STEPS: dict[type[StockError], str] = {
    UnknownVariant: "Search for it on the Stock page; its SKU may be spelled differently.",
    InsufficientStock: "Take fewer units, or count the shelf and set the level.",
    KeyReused: "What you sent first is under Movements. Send again to record this as a new change.",
    LevelChanged: "Look at what moved since, then set again.",
    AlreadyReversed: "A movement can be undone once; adjust the level if it is still wrong.",
    Forbidden: "Ask an admin of your shop for a role that may.",
    Unavailable: "Try again. If it was recorded after all, it will not be recorded twice.",
    Unreadable: "Correct the file and upload it again.",
    StripeRefused: "An admin can test the connection under Settings, Stripe.",
    EventsGone: "Import the orders of the days since then; what is known is left alone.",
}


@dataclass(slots=True)
class Notice:
    """A message that something was done. `undoable`: the movements its Undo would reverse."""

    text: str
    operation_id: int = 0
    undoable: tuple[int, ...] = ()
    problem: StockError | None = None
    id: str = field(default_factory=lambda: uuid4().hex[:8])
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)


def sentence(error: StockError) -> str:
    """Return what went wrong and what to do next, as Markdown that shows every name letter by letter."""
    said = [words.plain(_what(error))]
    if isinstance(error, Refused | Forbidden | Unreadable) and "nothing was" not in said[0].lower():
        said.append("Nothing was changed.")
    said.append(next((step for kind, step in _NEXT_STEPS.items() if isinstance(error, kind)), ""))
    return " ".join(part for part in said if part)


def _what(error: StockError) -> str:
    if isinstance(error, InsufficientStock) and error.short:
        return "Not enough stock: " + "; ".join(_shortage(short) for short in error.short[:5]) + "."
    if isinstance(error, LevelChanged) and error.changed:
        return "The level moved meanwhile: " + "; ".join(_difference(row) for row in error.changed[:5]) + "."
    if isinstance(error, RestoresTooMuch) and error.facts.get("lines"):
        return "More would go back than was sold: " + "; ".join(_excess(row) for row in error.facts["lines"][:5]) + "."
    return _ended(error.message)


def _excess(row: dict[str, Any]) -> str:
    taken, restored = words.units(row["taken"]), words.number(row["restored"])
    return f"of {row['code']} {taken} left the shelf, {restored} are back, {words.number(row['asked'])} asked"


def _ended(said: str) -> str:
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _shortage(short: dict[str, Any]) -> str:
    asked, available = words.number(short["requested"]), words.units(short["available"])
    reserved = f", {words.number(short['reserved'])} more are reserved" if short["reserved"] else ""
    return f"{short['sku']} has {available} available, {asked} asked{reserved}"


def _difference(row: dict[str, Any]) -> str:
    seen, now = words.number(row["seen"]), words.number(row["on_hand"])
    return f"{row['sku']} stood at {seen} when you looked and stands at {now} now"


def show(error: StockError) -> None:
    """Show a refusal where the person is looking."""
    if isinstance(error, SignInRequired):
        session.show_ended()
    else:
        st.error(sentence(error), icon=":material/error:")


@dataclass(slots=True)
class Told:
    """What this tab was told. A plain object, so that adding to it after a commit cannot be interrupted.

    `posted` counts what this tab has posted: after its own change a person has seen the new level.
    """

    notice: Notice | None = None
    posted: int = 0

    def tell(self, notice: Notice) -> None:
        """Show this message instead of the one before."""
        self.notice = notice
        self.posted += 1

    def forget(self) -> None:
        """Show no message."""
        self.notice = None


def told() -> Told:
    """Return what this tab was told."""
    found: Told = st.session_state.setdefault("_told", Told())
    return found


def posted(posting: Posting) -> Notice:
    """Return the message for what was just posted; it replaces the one before."""
    text = _summary(posting) + (" (it was recorded already)" if posting.replayed else "")
    undoable = tuple(row.movement_id for row in posting.movements if row.reason != "undo" and row.quantity)
    return Notice(text=text, operation_id=posting.operation_id, undoable=undoable)


def _summary(posting: Posting) -> str:
    rows = posting.movements
    undone = "Undone. " if rows[0].reason == "undo" else ""
    if len(rows) == 1:
        level = words.change(rows[0].quantity_before, rows[0].quantity_after)
        return f"{undone}{rows[0].sku}: {level} ({words.signed_units(rows[0].quantity)})"
    variants, total = words.plural(len({row.sku for row in rows}), "variant"), sum(row.quantity for row in rows)
    return f"{undone}{variants} changed, {words.signed_units(total)} in all"


def show_notice(person: Actor) -> None:
    """Show what was done last, with Undo for a person whose role may; it goes by itself after a while."""
    memory = told()
    notice = memory.notice
    if notice is None or notice.until < time.monotonic():
        return
    icon = ":material/error:" if notice.problem else ":material/check_circle:"
    said = sentence(notice.problem) if notice.problem else words.plain(notice.text)
    with (
        st.container(key="notice"),
        st.container(key=f"notice_{notice.id}", horizontal=True, vertical_alignment="center", border=True),
    ):
        st.markdown(f"{icon} {said}", width="stretch")
        if notice.undoable and may(person.role, Permission.UNDO):
            st.button("Undo", key=f"undo_{notice.id}", type="primary", on_click=_undo, args=(notice, memory))
        st.button("Close", key=f"close_{notice.id}", icon=":material/close:", type="tertiary", on_click=memory.forget)


def _undo(notice: Notice, memory: Told) -> None:
    key = f"undo:{notice.operation_id}"  # the operation's own: a second click is the same undo
    try:
        done = session.run(ledger.undo, movement_ids=notice.undoable, key=key, note=UNDO_NOTE)
    except StockError as error:
        memory.tell(Notice(text="", problem=error))
    else:
        memory.tell(posted(done))
