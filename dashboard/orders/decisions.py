"""Decisions about the goods of an order: who made them, and Undo for the people who may take them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import streamlit as st

from core.foundation.errors import DecidedMeanwhile, StockError
from core.foundation.model import Actor, Posted
from core.orders import returns
from core.orders.refund_reads import Decided
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import feedback, forms, selling, words
from dashboard.frame.feedback import Notice
from dashboard.language.texts import tr
from dashboard.stock import details


def show(decided: Sequence[Decided], person: Actor, zone: str) -> None:
    """Show decisions, the latest last, with Undo where this person may take them back."""
    for key, rows in groupby(decided, key=lambda each: each.decided):
        group = list(rows)
        for each in group:
            with st.container(gap=None):
                said = words.plain(selling.decided(each.disposition, each.quantity, each.code or ""))
                st.markdown(said if each.stands else f"~~{said}~~")
                st.caption(words.plain(_about(each, zone)))
        if group[0].picture:
            details.show_picture(group[0].picture, tr("Picture of the goods"))
        if any(each.stands for each in group) and _may_take_back(group[0], person):
            st.button(
                tr("Undo"), key=f"take_back_{key}", icon=":material/undo:", type="tertiary",
                on_click=_undo, args=(key, feedback.messages()), help=tr("Takes this decision back."),
            )  # fmt: skip


def _about(each: Decided, zone: str) -> str:
    who = f"{each.decided_by}, {words.moment(each.decided_at, zone)}"
    back = ""
    if each.taken_back_by and each.taken_back_at:
        back = tr(
            "taken back by {taken_back_by}, {taken_back_at}",
            taken_back_by=each.taken_back_by,
            taken_back_at=words.moment(each.taken_back_at, zone),
        )
    return words.joined(who, each.note, back)


def _may_take_back(each: Decided, person: Actor) -> bool:
    is_own = each.user_id is not None and each.user_id == person.user_id
    return may(person.role, Permission.TAKE_BACK_ANY) or (is_own and may(person.role, Permission.TAKE_BACK_OWN))


def _undo(decided: str, shown: feedback.Messages) -> None:
    try:
        notice = _take_back(decided)
    except StockError as error:
        notice = Notice(text="", problem=error)
    shown.put(notice)


def _take_back(decided: str) -> Notice:
    """Take a decision back. The key is derived from it, so a second click is the same."""
    moved = session.run(returns.take_back, decided=decided, key=f"take back:{decided}"[:200])
    return Notice(text=tr("Taken back. {moved}", moved=words.levels(moved)).strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a decision with the key `decided`: the movements, or what somebody decided meanwhile."""

    decided: str
    moved: tuple[Posted, ...] = ()
    problem: DecidedMeanwhile | None = None


def attempt(decided: str, post: Callable[[], tuple[Posted, ...]]) -> Outcome:
    """Post a decision with the key `decided`. If something was decided meanwhile, the form starts again with it."""
    try:
        return Outcome(decided=decided, moved=post())
    except DecidedMeanwhile as error:
        return Outcome(decided=decided, problem=error)


def told(outcome: Outcome) -> Notice:
    """Return the message about a decision, with Undo."""
    if outcome.problem:
        return Notice(text="", problem=outcome.problem)
    moved = outcome.moved
    text = (
        tr("Back on the shelf. {moved}", moved=words.levels(moved))
        if moved
        else tr("Decided. No units went back on the shelf.")
    )
    return Notice(text=text, take_back=partial(_take_back, outcome.decided))


def start_again(form: forms.Form, seen: str) -> None:
    """Empty a form if something was decided since it was opened; `seen` says what the page shows now."""
    opened: dict[str, str] = st.session_state.setdefault("_decided_at_opening", {})
    if opened.get(form.name, seen) != seen:
        form.draft.renew()
        if feedback.messages().notice is None:
            st.info(
                tr("Something was decided about this order in the meantime, so this form starts again."),
                icon=":material/sync_problem:",
            )
    opened[form.name] = seen
