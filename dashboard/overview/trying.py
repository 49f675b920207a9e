"""Things to try on Overview in the sample shop: a button each, what to look at, and what has come of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.database import pool
from core.foundation.errors import StockError
from core.foundation.model import Actor, Shop
from core.foundation.settings import load_settings
from core.jobs import killed
from core.people.access import Permission, may
from core.sample import trying
from core.sample.trying import Trial, Tried
from dashboard.door import session
from dashboard.frame import feedback, links, selling, words
from dashboard.language.texts import lazy, tr

EVERY_SECONDS = 2
PATIENCE = timedelta(minutes=10)
"""How long the page looks again and again for what comes of a try."""
_PROBLEM = "_trying_problem"
_SOURCES = lazy({"webhook": "webhook", "poll": "poll", "import": "import"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """What a card says. `look`: what to look at afterwards."""

    title: str
    button: str
    about: str
    look: str
    icon: str


CARDS = lazy({
    Trial.LOST_WEBHOOK: _Card(
        title="A webhook was lost: watch the poll find it", button="Lose a webhook", icon="cell_tower",
        about="A buyer pays, and Stripe's message never arrives. The poll asks Stripe every minute and finds it.",
        look="Look at the order: it is complete, as if the webhook had come.",
    ),
    Trial.OVERSELL: _Card(
        title="Oversell a pair", button="Oversell a pair", icon="production_quantity_limits",
        about="A buyer pays for one unit more than there is. Stock never falls below zero, and a case opens.",
        look="Look at the case: ship what is there, or refund the rest.",
    ),
    Trial.LAST_ONE: _Card(
        title="Two buyers for the last one", button="Let both check out", icon="group",
        about="Two buyers check out the last one at the same moment. One gets it, and the other does not pay.",
        look="Look at the order: the units that were held for it are sold.",
    ),
    Trial.UNREAD_CART: _Card(
        title="Send a cart nobody can read", button="Send the cart", icon="unknown_document",
        about="A buyer pays, but the cart is a sentence. The order waits until a person enters its lines.",
        look="Look at the case: enter the lines, and the units leave the shelf.",
    ),
    Trial.KILLED_WORKER: _Card(
        title="Kill the worker", button="Kill a worker", icon="power_off",
        about="A worker is killed while it has an order in its hands. Another one takes the job up again.",
        look="Look at the order: its units left the shelf once.",
    ),
})  # fmt: skip


def show(person: Actor, shop: Shop) -> None:
    """Show the things to try; nothing in a real shop, or while a key of Stripe is set."""
    _show_problem()
    if not shop.is_sample or load_settings().stripe_secret_key is not None:
        return
    with st.container(border=True, key="ovw_trying"):
        st.subheader(tr("Things to try"), anchor=False)
        st.caption(
            tr(
                "Each makes something go wrong for real, in the sandbox that stands in for Stripe. "
                "Support, managers and admins may press; only an admin may kill a worker. Everybody "
                "sees what comes of it."
            )
        )
        is_ticking = _is_waiting(session.run(trying.last))
        st.fragment(_show_cards, run_every=EVERY_SECONDS if is_ticking else None)(person, shop, is_ticking)


def _show_cards(person: Actor, shop: Shop, is_ticking: bool) -> None:
    tries = session.run(trying.last)
    _show_problem()
    with st.grid(3, min_column_width=280, gap="small"):
        for what, card in CARDS.items():
            with st.container(border=True, height="stretch", key=f"try_{what}"):
                _show_card(what, card, tries.get(what), person, shop)
    if _is_waiting(tries) is not is_ticking:
        st.rerun()  # starts or stops the clock


def _show_card(what: Trial, card: _Card, tried: Tried | None, person: Actor, shop: Shop) -> None:
    st.markdown(f":material/{card.icon}: **{card.title}**")
    st.caption(card.about)
    allowed = may(person.role, trying.PERMISSIONS[what])
    who = tr("An admin") if what is Trial.KILLED_WORKER else tr("Support, a manager or an admin")
    st.button(
        card.button, key=f"try_{what}_begin", on_click=_press, args=(what,), disabled=not allowed,
        help=None if allowed else tr("{who} of your shop can try this.", who=who),
    )  # fmt: skip
    if tried is not None:
        _show_outcome(tried, card, person, shop)


def _press(what: Trial) -> None:
    try:
        person = session.actor()
        try_id = trying.start(pool.engine(), person, load_settings(), what=what, key=uuid.uuid4().hex)
        if what is Trial.KILLED_WORKER and try_id is not None:
            killed.start(pool.engine(), try_id)
    except StockError as problem:
        st.session_state[_PROBLEM] = problem


def _show_problem() -> None:
    if isinstance(problem := st.session_state.pop(_PROBLEM, None), StockError):
        feedback.show(problem)


def _is_waiting(tries: Mapping[Trial, Tried]) -> bool:
    now = datetime.now(UTC)
    return any(not tried.is_over and now - tried.begun_at < PATIENCE for tried in tries.values())


# ---------------------------------------------------------------- what has come of it


def _show_outcome(tried: Tried, card: _Card, person: Actor, shop: Shop) -> None:
    icon = ":green[:material/check_circle:]" if tried.is_over else ":orange[:material/hourglass_top:]"
    said = tried.facts.get("problem") or {
        Trial.LOST_WEBHOOK: _lost, Trial.OVERSELL: _oversold, Trial.LAST_ONE: _last_one, Trial.UNREAD_CART: _unread,
        Trial.KILLED_WORKER: _killed,
    }[tried.what](tried)  # fmt: skip
    look = card.look if tried.is_over and "problem" not in tried.facts else ""
    st.markdown(f"{icon} {words.plain(f'{said} {look}'.strip())}")
    with st.container(horizontal=True, key=f"flush_try_{tried.what}"):
        if tried.alert_id is not None:
            links.to_page("alerts", tr("Its case"), icon=":material/notifications:", alert=str(tried.alert_id))
        if tried.order_id is not None:
            links.to_page("orders", tr("Its order"), icon=":material/receipt_long:", order=str(tried.order_id))
        if tried.what is Trial.KILLED_WORKER and may(person.role, Permission.MANAGE_JOBS):
            links.to_page("settings", tr("Runs of the job"), icon=":material/manufacturing:", set_section="Jobs")
    st.caption(
        words.plain(tr("Tried by {who} at {begun_at}", who=tried.who, begun_at=words.moment(tried.begun_at, shop.zone)))
    )


def _lost(tried: Tried) -> str:
    if tried.received_at is None:
        return tr(
            "{tried} The webhook was not delivered. The poll finds the payment within a minute or so.",
            tried=_paid(tried),
        )
    found = tr(
        "Found by the {source} after {begun_at}.",
        source=_SOURCES.get(tried.source or "", tried.source),
        begun_at=after(tried.begun_at, tried.received_at),
    )
    return found if tried.order_id else tr("{found} Its order follows in a moment.", found=found)


def _oversold(tried: Tried) -> str:
    asked = tr("{tried} Available: {value}.", tried=_paid(tried), value=words.number(tried.facts.get("available", 0)))
    return f"{asked} {_case(tried)}"


def _unread(tried: Tried) -> str:
    return tr(
        "A buyer paid {tried}. The cart says “{wares}”. {tried_2}",
        tried=_amount(tried),
        wares=trying.UNREAD["wares"],
        tried_2=_case(tried),
    )


def _last_one(tried: Tried) -> str:
    facts = tried.facts
    if "winner" not in facts:
        return tr("Both buyers are checking out.")
    name, available = words.sized(facts["product"], facts["size"]), facts["available"]
    got = (
        tr("the last {name}", name=name)
        if available == 1
        else tr("the last {available} of {name}", available=words.number(available), name=name)
    )
    loser = tr("{loser} was refused and paid nothing. ", loser=facts["loser"]) if "loser" in facts else ""
    order = (
        tr("The order came after {begun_at}.", begun_at=after(tried.begun_at, tried.ordered_at))
        if tried.ordered_at
        else ""
    )
    return tr(
        "{winner} got {got}. {loser}{order}",
        winner=facts["winner"],
        got=got,
        loser=loser,
        order=order or tr("The order follows in a moment."),
    )


def _killed(tried: Tried) -> str:
    if "killed_at" not in tried.facts:
        return tr("A worker starts and takes the job that applies Stripe's messages.")
    killed_at = datetime.fromtimestamp(tried.facts["killed_at"], UTC)
    if tried.again_at is None:
        return tr(
            "{tried} The worker was killed with the message in its hands. Its silence shows after 30 seconds.",
            tried=_paid(tried),
        )
    again = tr("Another worker started the job again after {killed_at}", killed_at=after(killed_at, tried.again_at))
    if tried.ordered_at is None:
        return tr("{again}. The message that the dead worker held is free two minutes after it was taken.", again=again)
    return tr(
        "{again}, and recorded the order after {killed_at}: once.",
        again=again,
        killed_at=after(killed_at, tried.ordered_at),
    )


def _paid(tried: Tried) -> str:
    facts = tried.facts
    if "product" not in facts:
        return tr("A buyer pays.")
    goods = tr(
        "{units} of {product}", units=words.number(facts["units"]), product=words.sized(facts["product"], facts["size"])
    )
    return tr("A buyer paid {tried} for {goods}.", tried=_amount(tried), goods=goods)


def _amount(tried: Tried) -> str:
    return selling.money(tried.facts.get("amount", 0), trying.CURRENCY)


def _case(tried: Tried) -> str:
    if tried.alerted_at is None:
        return tr("The case opens in a moment.")
    return tr("Its case opened after {begun_at}.", begun_at=after(tried.begun_at, tried.alerted_at))


def after(begun: datetime, then: datetime) -> str:
    """Return the time between two moments: 34 s, or 2 min 4 s."""
    seconds = max(round((then - begun).total_seconds()), 0)
    return (
        f"{seconds} s"
        if seconds < 100
        else tr("{seconds} min {seconds_2} s", seconds=seconds // 60, seconds_2=seconds % 60)
    )
