"""The forms that change one variant's level: adjust, receive, set."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.foundation.errors import LevelChanged
from core.foundation.model import MAX_UNITS, Actor, LevelLine, Line, MovementType, Posting
from core.ledger import changes as ledger
from core.people.access import Permission, may
from core.screens.stock import Variant
from dashboard.door import session
from dashboard.frame import forms, words
from dashboard.language.texts import tr
from dashboard.stock import holds

ADJUST = (MovementType.ADJUSTMENT,)
RECEIVE = (MovementType.PURCHASE,)


def show(seen: Variant, person: Actor) -> None:
    """Show the forms, or say who can change levels if the role cannot."""
    st.subheader(tr("Change the level"), anchor=False)
    if not may(person.role, Permission.ADJUST):
        st.caption(tr("Your role cannot change stock. The warehouse, a manager or an admin can."))
        return
    adjust, receive, set_level = st.tabs([tr("Adjust"), tr("Receive"), tr("Set level")], key="stk_act")
    with adjust:
        _show_adjust(seen)
    with receive:
        _show_receive(seen)
    with set_level:
        _show_set(seen)


def _show_adjust(seen: Variant) -> None:
    form = forms.begin(f"adjust_{seen.row.sku}")
    with st.form(form.name, border=False):
        forms.quantity(form)
        forms.reason(form, seen.reasons, ADJUST)
        forms.note(form)

        def post(key: str, values: forms.Values) -> Posting:
            reason, quantity = signed(values["reason"], forms.units(values, lowest=-MAX_UNITS))
            return session.run(
                ledger.adjust,
                lines=[Line(variant_id=seen.row.variant_id, quantity=quantity)],
                reason=reason,
                key=key,
                note=values["note"],
            )

        forms.submit(form, tr("Adjust"), post)


def signed(choice: forms.Choice, typed: int) -> tuple[str, int]:
    """Return the reason and the signed units of what was typed. A typed minus subtracts, whatever the reason's sign.

    It turns the plain increase into the plain decrease. Core refuses it for a reason that only adds.
    """
    if typed >= 0:
        return choice.reason.reason, choice.sign * typed
    plain = choice.reason.reason == "stock_increase"
    return "stock_decrease" if plain else choice.reason.reason, typed


def _show_receive(seen: Variant) -> None:
    form = forms.begin(f"receive_{seen.row.sku}")
    with st.form(form.name, border=False):
        forms.quantity(form)
        forms.cost(form, placeholder=_usual_cost(seen))
        forms.reason(form, seen.reasons, RECEIVE, first="delivery")
        forms.reference(form)
        forms.note(form)

        def post(key: str, values: forms.Values) -> Posting:
            choice = values["reason"]
            quantity, cost = choice.sign * forms.units(values), forms.some_cost(values, seen.shop.currency)
            return session.run(
                ledger.receive,
                lines=[Line(variant_id=seen.row.variant_id, quantity=quantity, unit_cost=cost)],
                reason=choice.reason.reason,
                reference=(values["reference"] or "").strip() or None,
                key=key,
                note=values["note"],
            )

        forms.submit(form, tr("Receive"), post)


def _usual_cost(seen: Variant) -> str:
    """Return what a receipt without a cost is worth, as the empty field says it."""
    average = seen.costs[0].average if seen.costs else None
    if seen.row.unit_cost is not None:
        return tr("{unit_cost}, as in the catalogue", unit_cost=words.money(seen.row.unit_cost, seen.shop.currency))
    if average is not None:
        return tr("{average}, the average", average=words.money(average, seen.shop.currency))
    return tr("Not known")


def _show_set(seen: Variant) -> None:
    form = forms.begin(f"set_{seen.row.sku}")
    level = forms.opened_level(form, seen.row)
    _show_moved_meanwhile(seen, form, level)
    with st.form(form.name, border=False):
        st.markdown(tr("From **{units}** on hand to:", units=words.units(level)))
        forms.quantity(form, tr("New level"), name="level")
        forms.count_reason(form, seen.reasons)
        forms.note(form)

        def post(key: str, values: forms.Values) -> Posting:
            line = LevelLine(variant_id=seen.row.variant_id, target=forms.units(values, "level", lowest=0), seen=level)
            chosen = values["reason"]
            return session.run(
                ledger.set_level,
                lines=[line],
                movement_type=chosen.movement_type,
                reason=chosen.reason,
                key=key,
                note=values["note"],
            )

        forms.submit(form, tr("Set level"), post, say=holds.posted)


def _show_moved_meanwhile(seen: Variant, form: forms.Form, level: int) -> None:
    """If the level has changed since the form was opened: show the movements since, and offer the new level."""
    if seen.row.on_hand == level:
        return
    if not isinstance(form.draft.problem, LevelChanged):
        st.info(
            tr(
                "The level changed while this form was open: {level}. Start from the new level to set it.",
                level=words.change(level, seen.row.on_hand),
            ),
            icon=":material/sync_problem:",
        )
    problem = form.draft.problem
    since = problem.changed[0]["since"] if isinstance(problem, LevelChanged) and problem.changed else []
    for moved in since:
        at = words.short_moment(datetime.fromisoformat(moved["occurred_at"]), seen.shop.zone)
        kind = words.TYPE_LABELS[MovementType(moved["movement_type"])]
        st.caption(
            tr(
                "{at}{dot}{kind} {quantity} by {performed_by}",
                at=at,
                dot=words.DOT,
                kind=kind,
                quantity=words.signed(moved["quantity"]),
                performed_by=words.plain(moved["performed_by"]),
            )
        )
    st.button(
        tr("Start from {on_hand}", on_hand=words.number(seen.row.on_hand)),
        key=f"{form.name}_again",
        icon=":material/refresh:",
        on_click=_look_again,
        args=(form.draft, seen.row.on_hand),
        help=tr("Keeps what you typed. Then press Set level again."),
    )


def _look_again(draft: forms.Draft, on_hand: int) -> None:
    draft.seen, draft.problem = on_hand, None
