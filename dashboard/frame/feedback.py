"""Messages after an action: what was done, with Undo, or why it was refused and what to do next."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import streamlit as st

from core.foundation.errors import (
    AlreadyReversed,
    DecidedMeanwhile,
    EditedMeanwhile,
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
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import selling, words
from dashboard.language.said import label, translated
from dashboard.language.texts import first_upper, inside, lazy, tr

SECONDS = 30
"""How long a message with Undo stays. The movement can still be undone from the history after that."""

_NEXT_STEPS: dict[type[StockError], str] = lazy(
    {
        UnknownVariant: "Search for it on the Stock page; its SKU may be spelled differently.",
        InsufficientStock: "Take fewer units, or count the shelf and set the level.",
        KeyReused: "Your first change is under Movements. Submit again to record this as a new change.",
        LevelChanged: "Review the movements since then, and set the level again.",
        AlreadyReversed: "A movement can be undone once. If the level is still wrong, adjust it.",
        EditedMeanwhile: "Look at the new values, then save again.",
        DecidedMeanwhile: "Look at what is left to decide, then decide again if needed.",
        Forbidden: "Ask an admin of your shop for another role.",
        Unavailable: "Try again. If the change was recorded, it will not be recorded twice.",
        Unreadable: "Correct the file and upload it again.",
        StripeRefused: "An admin can test the connection under Settings, Stripe.",
        EventsGone: "Import the orders of the days since then. Orders that are already recorded do not change.",
    }
)


@dataclass(slots=True)
class Notice:
    """A message about an action. `undoable`: the movements that its Undo reverses.

    `take_back`: what its Undo calls instead, if the action was more than movements. Core checks who may.
    """

    text: str
    operation_id: int = 0
    undoable: tuple[int, ...] = ()
    problem: StockError | None = None
    take_back: Callable[[], Notice] | None = None
    id: str = field(default_factory=lambda: uuid4().hex[:8])
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)


def sentence(error: StockError) -> str:
    """Return what went wrong and what to do next, as Markdown in which names are escaped."""
    parts = [words.plain(_what(error))]
    if isinstance(error, Refused | Forbidden | Unreadable) and "nothing was" not in parts[0].lower():
        parts.append(tr("Nothing was changed."))
    parts.append(next((step for kind, step in _NEXT_STEPS.items() if isinstance(error, kind)), ""))
    return " ".join(part for part in parts if part)


def _what(error: StockError) -> str:
    if isinstance(error, InsufficientStock) and error.short:
        return tr("Not enough stock: ") + "; ".join(_shortage(short) for short in error.short[:5]) + "."
    if isinstance(error, LevelChanged) and error.changed:
        return tr("The level has changed: ") + "; ".join(_difference(row) for row in error.changed[:5]) + "."
    if isinstance(error, RestoresTooMuch) and error.facts.get("lines"):
        return tr("More units than were sold: ") + "; ".join(_excess(row) for row in error.facts["lines"][:5]) + "."
    if isinstance(error, EditedMeanwhile) and error.edited:
        return tr("In the meantime: ") + "; ".join(_edit(row) for row in error.edited[:5]) + "."
    if isinstance(error, DecidedMeanwhile) and error.since:
        return tr("In the meantime: ") + "; ".join(_decision(row) for row in error.since[:5]) + "."
    if error.facts.get("worth"):
        return _unpaid(error.facts)
    return _ended(translated(error.message))


def _decision(row: dict[str, Any]) -> str:
    said = selling.decided(Disposition(row["disposition"]), row["quantity"], row["code"])
    return f"{row['who']} {(tr('took back') if row['taken_back'] else tr('decided'))} “{said}” ({row['at']})"


def _edit(row: dict[str, Any]) -> str:
    name = label(first_upper(row["field"].replace("_", " ")))
    field, seen, now = inside(name), row["seen"] or tr("empty"), row["now"] or tr("empty")
    return tr(
        "{by} changed {field} of {sku} from {seen} to {now}",
        by=row["by"] or tr("somebody"),
        field=field,
        sku=row["sku"],
        seen=seen,
        now=now,
    )


def _unpaid(facts: dict[str, Any]) -> str:
    refunded, paid, worth = (selling.money(facts[name], facts["currency"]) for name in ("refunded", "paid", "worth"))
    meant = tr("choose fewer, or confirm that all of them are meant")
    return tr(
        "{refunded} of {paid} were refunded, and {units} cost {worth}: {meant}.",
        refunded=refunded,
        paid=paid,
        units=words.units(facts["units"]),
        worth=worth,
        meant=meant,
    )


def _excess(row: dict[str, Any]) -> str:
    taken, restored = words.units(row["taken"]), words.number(row["restored"])
    asked = words.number(row["asked"])
    return tr(
        "{code} has {taken} sold, {restored} already put back, {asked} more requested",
        code=row["code"],
        taken=taken,
        restored=restored,
        asked=asked,
    )


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _shortage(short: dict[str, Any]) -> str:
    asked, available = words.number(short["requested"]), words.units(short["available"])
    reserved = tr(", {reserved} reserved", reserved=words.number(short["reserved"])) if short["reserved"] else ""
    return tr(
        "{sku} has {available} available{reserved}, {asked} requested",
        sku=short["sku"],
        available=available,
        reserved=reserved,
        asked=asked,
    )


def _difference(row: dict[str, Any]) -> str:
    seen, now = words.number(row["seen"]), words.number(row["on_hand"])
    return tr("{sku} was at {seen} when you opened the form and is at {now} now", sku=row["sku"], seen=seen, now=now)


def show(error: StockError) -> None:
    """Show an error in place."""
    if isinstance(error, SignInRequired):
        session.show_ended()
    else:
        st.error(sentence(error), icon=":material/error:")


@dataclass(slots=True)
class Messages:
    """The message this tab shows. A plain object, so Streamlit cannot interrupt a write to it after a commit.

    `posted` counts the changes this tab has posted: after their own change, a person has seen the new level.
    """

    notice: Notice | None = None
    posted: int = 0

    def put(self, notice: Notice) -> None:
        """Show this message in place of the previous one."""
        self.notice = notice
        self.posted += 1

    def clear(self) -> None:
        """Show no message."""
        self.notice = None


def messages() -> Messages:
    """Return the messages of this tab."""
    found: Messages = st.session_state.setdefault("_messages", Messages())
    return found


def posted(posting: Posting) -> Notice:
    """Return the message about a posting."""
    text = _summary(posting) + (tr(" (already recorded)") if posting.replayed else "")
    undoable = tuple(row.movement_id for row in posting.movements if row.reason != "undo" and row.quantity)
    return Notice(text=text, operation_id=posting.operation_id, undoable=undoable)


def _summary(posting: Posting) -> str:
    rows = posting.movements
    undone = tr("Undone. ") if rows[0].reason == "undo" else ""
    if len(rows) == 1:
        level = words.change(rows[0].quantity_before, rows[0].quantity_after)
        return f"{undone}{rows[0].sku}: {level} ({words.signed_units(rows[0].quantity)})"
    variants, total = words.plural(len({row.sku for row in rows}), "variant"), sum(row.quantity for row in rows)
    return tr(
        "{undone}{variants} changed, {units} in total",
        undone=undone,
        variants=variants,
        units=words.signed_units(total),
    )


def show_notice(person: Actor) -> None:
    """Show the message about the last action, with Undo if the role permits it. It disappears after `SECONDS`."""
    shown = messages()
    notice = shown.notice
    if notice is None or notice.until < time.monotonic():
        return
    icon = ":material/error:" if notice.problem else ":material/check_circle:"
    text = sentence(notice.problem) if notice.problem else words.plain(notice.text)
    with (
        st.container(key="notice"),
        st.container(key=f"notice_{notice.id}", horizontal=True, vertical_alignment="center", border=True),
    ):
        st.markdown(f"{icon} {text}", width="stretch")
        if notice.take_back or (notice.undoable and may(person.role, Permission.UNDO)):
            st.button(tr("Undo"), key=f"undo_{notice.id}", type="primary", on_click=_undo, args=(notice, shown))
        st.button(tr("Close"), key=f"close_{notice.id}", icon=":material/close:", type="tertiary", on_click=shown.clear)


def _undo(notice: Notice, shown: Messages) -> None:
    key = f"undo:{notice.operation_id}"  # derived from the operation, so a second click is the same undo
    try:
        if notice.take_back:
            done = notice.take_back()
        else:
            done = posted(session.run(ledger.undo, movement_ids=notice.undoable, key=key, note=words.UNDO_NOTE))
    except StockError as error:
        shown.put(Notice(text="", problem=error))
    else:
        shown.put(done)
