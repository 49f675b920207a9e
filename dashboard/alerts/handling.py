"""The forms that acknowledge, snooze, assign and resolve one case, or several at once.

Each form takes the ids of its cases. A refusal is shown in the form if there is one case, and as a message if there are
several, because the list is drawn again then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st

from core.alerts import handling
from core.alerts.handling import Hand, Nap
from core.foundation.errors import StockError
from dashboard.door import session
from dashboard.frame import forms, words
from dashboard.frame.feedback import Notice
from dashboard.language.texts import inside, lazy, marked, tr

NAPS = lazy({Nap.HOUR: "For an hour", Nap.TOMORROW: "Until tomorrow morning", Nap.NEXT_WEEK: "Until Monday morning"})
NOBODY = Hand(user_id=0, name=marked("Nobody"))


def show_acknowledge(ids: Sequence[int], name: str) -> None:
    """Offer to acknowledge the cases."""
    _form(
        f"acknowledge_{name}",
        tr("Acknowledge"),
        ":material/front_hand:",
        ids,
        lambda form: None,
        lambda values: session.run(handling.acknowledge, alert_ids=ids),
        lambda _: tr("{ids}. Everybody can see that you are working on it.", ids=_them(ids, tr("Acknowledged"))),
        fits=True,
    )


def show_assign_to_me(ids: Sequence[int], name: str, user_id: int) -> None:
    """Offer to assign the cases to the signed-in person."""
    _form(
        f"take_{name}", tr("Assign to me"), ":material/person_add:", ids, lambda form: None,
        lambda values: session.run(handling.assign, alert_ids=ids, user_id=user_id),
        lambda _: tr("{ids} to you.", ids=_them(ids, tr('Assigned'))), fits=True,
    )  # fmt: skip


def show_wake(ids: Sequence[int], name: str) -> None:
    """Offer to end the snooze of the cases."""
    _form(
        f"wake_{name}", tr("End snooze"), ":material/alarm:", ids, lambda form: None,
        lambda values: session.run(handling.snooze, alert_ids=ids, until=None),
        lambda _: tr("{ids} to the list.", ids=_them(ids, tr('Returned'))), fits=True,
    )  # fmt: skip


def show_snooze(ids: Sequence[int], name: str, zone: str) -> None:
    """Offer to hide the cases for a while."""

    def draw(form: forms.Form) -> None:
        st.caption(tr("Hides the case until then. It returns earlier if it happens again or its severity is raised."))
        st.radio(tr("Snooze"), list(NAPS), format_func=NAPS.__getitem__, key=form.input("nap"), horizontal=True)

    def post(values: forms.Values) -> None:
        until = handling.wakes_at(values["nap"], zone, datetime.now(UTC))
        session.run(handling.snooze, alert_ids=ids, until=until)

    _form(
        f"snooze_{name}", tr("Snooze"), ":material/snooze:", ids, draw, post,
        lambda values: f"{_them(ids, tr('Snoozed'))} {inside(NAPS[values['nap']]).replace('monday', 'Monday')}.",
    )  # fmt: skip


def show_assign(ids: Sequence[int], name: str, hands: Sequence[Hand]) -> None:
    """Offer to assign the cases to a person, or to nobody."""

    def draw(form: forms.Form) -> None:
        st.selectbox(tr("Assignee"), [*hands, NOBODY], format_func=_hand, key=form.input("hand"))

    def post(values: forms.Values) -> None:
        session.run(handling.assign, alert_ids=ids, user_id=values["hand"].user_id or None)

    _form(
        f"assign_{name}",
        tr("Assign"),
        ":material/person_add:",
        ids,
        draw,
        post,
        lambda values: tr(
            "{ids} to {value}.",
            ids=_them(ids, tr("Assigned")),
            value=values["hand"].name if values["hand"].user_id else tr("nobody"),
        ),
    )


def _hand(hand: Hand) -> str:
    return hand.name if hand.user_id else tr(NOBODY.name)


def ask_waiting(form: forms.Form, *, usual: bool) -> None:
    """Ask whether the buyer waits for the units that become oversold."""
    st.checkbox(
        tr("The buyer waits for the missing units"),
        usual,
        key=form.input("waits"),
        help=tr("They are then listed under Orders, Waiting for goods, and can be sent when they arrive."),
    )


def show_resolve(
    ids: Sequence[int], name: str, what_then: str, example: str = "Refunded the buyer", *, oversells: bool = False
) -> None:
    """Offer to resolve the cases with a reason; `what_then` says what happens to open lines, which it may oversell."""

    def draw(form: forms.Form) -> None:
        st.caption(what_then)
        forms.note(form, label=tr("Reason"), placeholder=tr(example), required=True)
        if oversells:
            ask_waiting(form, usual=False)

    _form(
        f"resolve_{name}", tr("Resolve"), ":material/check:", ids, draw,
        lambda values: session.run(
            handling.resolve, alert_ids=ids, reason=values["note"] or "", buyers_wait=bool(values.get("waits"))
        ),
        lambda _: tr("The case is resolved.") if len(ids) == 1 else f"{_them(ids, tr('Resolved'))}.",
    )  # fmt: skip


def _form(
    name: str,
    label: str,
    icon: str,
    ids: Sequence[int],
    draw: Callable[[forms.Form], None],
    do: Callable[[forms.Values], None],
    text: Callable[[forms.Values], str],
    *,
    fits: bool = False,
) -> None:
    form = forms.begin(name)
    with st.form(form.name, border=False, width="content" if fits else "stretch"):
        draw(form)

        def post(key: str, values: forms.Values) -> Notice:
            try:
                do(values)
            except StockError as error:
                if len(ids) == 1:
                    raise
                return Notice(text="", problem=error)
            return Notice(text=text(values))

        forms.submit(form, label, post, icon=icon, say=lambda notice: notice, is_main=not fits)


def _them(ids: Sequence[int], done: str) -> str:
    return done if len(ids) == 1 else f"{words.plural(len(ids), 'case')} {inside(done)}"
