"""What a page says after an action: a refusal with its next step, or what was done, with Undo beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import streamlit as st

from core import ledger
from core.access import Permission, may
from core.errors import (
    AlreadyReversed,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    KeyReused,
    LevelChanged,
    Refused,
    SignInRequired,
    StockError,
    Unavailable,
    UnknownVariant,
    Unreadable,
)
from core.model import Actor, Posting
from dashboard import session, words

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
    if isinstance(error, InvalidInput) and error.message[:1].islower():
        return _ended(f"{error.field.capitalize()} {error.message}")
    return _ended(error.message)


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


def notices() -> list[Notice]:
    """Return this tab's messages; a plain list, so that adding to it after a commit cannot be interrupted."""
    kept: list[Notice] = st.session_state.setdefault("_notices", [])
    kept[:] = [notice for notice in kept if notice.until > time.monotonic()][-3:]
    return kept


def posted(posting: Posting) -> Notice:
    """Return the message for what was just posted; it replaces the one before."""
    text = _summary(posting) + (" (it was recorded already)" if posting.replayed else "")
    undoable = tuple(row.movement_id for row in posting.movements if row.reason != "undo")
    return Notice(text=text, operation_id=posting.operation_id, undoable=undoable)


def _summary(posting: Posting) -> str:
    rows = posting.movements
    undone = "Undone. " if rows[0].reason == "undo" else ""
    if len(rows) == 1:
        level = words.change(rows[0].quantity_before, rows[0].quantity_after)
        return f"{undone}{rows[0].sku}: {level} ({words.signed_units(rows[0].quantity)})"
    variants, total = words.plural(len({row.sku for row in rows}), "variant"), sum(row.quantity for row in rows)
    return f"{undone}{variants} changed, {words.signed_units(total)} in all"


def show_notices(person: Actor) -> None:
    """Show what was done, with Undo; a person whose role may not undo is not offered it."""
    found = notices()
    if not found:
        return
    with st.container(key="notices"):
        for notice in found[-1:]:
            with st.container(key=f"notice_{notice.id}", horizontal=True, vertical_alignment="center", border=True):
                _show(notice, found, may(person.role, Permission.UNDO))


def _show(notice: Notice, found: list[Notice], may_undo: bool) -> None:
    icon = ":material/error:" if notice.problem else ":material/check_circle:"
    st.markdown(f"{icon} {sentence(notice.problem) if notice.problem else words.plain(notice.text)}", width="stretch")
    if notice.undoable and may_undo:
        st.button("Undo", key=f"undo_{notice.id}", type="primary", on_click=_undo, args=(notice, found))
    st.button("Close", key=f"close_{notice.id}", icon=":material/close:", type="tertiary", on_click=found.clear)


def _undo(notice: Notice, found: list[Notice]) -> None:
    key = f"undo:{notice.operation_id}"  # the operation's own: a second click is the same undo
    try:
        done = session.run(ledger.undo, movement_ids=notice.undoable, key=key, note=UNDO_NOTE)
    except StockError as error:
        found[:] = [Notice(text="", problem=error)]
    else:
        found[:] = [posted(done)]
