"""Importing the orders of some days from Stripe: the form, its progress with Cancel, and what came of it.

The work goes on in a thread of its own (dashboard/frame/long_work.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from core.database import pool
from core.foundation.errors import SignInRequired, StockError, Unavailable, invalid
from core.foundation.model import Actor, Shop
from core.foundation.sales import Policy
from core.foundation.settings import load_settings
from core.inbox import range_import as order_import
from core.inbox.range_import import Outcome, Range, Stage
from core.people.access import Permission, may
from core.stripe import gateway as stripe_gateway
from dashboard.door import session
from dashboard.frame import feedback, links, long_work, outcome, words
from dashboard.frame import page as frame
from dashboard.frame.long_work import LongWork

AUTO = "auto"
POLICIES = {
    AUTO: "Let the go-live instant decide",
    Policy.NORMAL: "Take stock",
    Policy.SKIP: "Record only",
    Policy.FORCE: "Ship what is there",
}
CONSEQUENCES = {
    AUTO: "What was paid before the shop went live is recorded and moves no stock; what was paid since takes stock.",
    Policy.NORMAL: "Every order takes its units off the shelf, whenever it was paid. What is short becomes a case.",
    Policy.SKIP: "Orders are recorded and move no stock: for what left the shelf before Stockroom counted it.",
    Policy.FORCE: "Every order takes what is there; units that are not there are oversold at once, without a case.",
}


@dataclass(slots=True, kw_only=True)
class Running(LongWork):
    """An import under way, or the last one."""

    called: str = "import"
    days: Range
    stage: Stage = field(default_factory=lambda: Stage(doing="Asking Stripe", seen=0, stored=0))
    outcome: Outcome | None = None
    is_stopped: bool = False

    def tell(self, stage: Stage) -> bool:
        """Take note of a stage; answers whether to go on."""
        self.stage = stage
        return not self.is_stopped

    def stop(self) -> None:
        """Ask the thread to stop after what it is doing now."""
        self.is_stopped = True


imports = long_work.OneAtATime[Running]()


def show(person: Actor, shop: Shop) -> None:
    """Show the import under way, or the form and what came of the last one."""
    if not may(person.role, Permission.IMPORT_ORDERS):
        frame.empty("Your role does not import orders", "A manager or an admin of your shop can.")
    elif load_settings().stripe_secret_key is None:
        frame.empty(
            "Stripe is not connected",
            "Set STRIPE_SECRET_KEY and start again; docs/stripe.md says how. Everything else works.",
            icon=":material/link_off:",
        )
    elif (found := imports.latest) is not None and not found.is_over:
        _show_running(found)
    else:
        if found is not None:
            _show_over(found, shop)
        _show_form(shop)


def _show_form(shop: Shop) -> None:
    today = words.local(datetime.now(UTC), shop.zone).date()
    with st.container(width=640):
        st.markdown(
            "Reads what was paid, refunded and disputed in these days. Orders come in by themselves; this is for a "
            "first run, for a gap, and for what is older than thirty days. What is known is left alone, so importing "
            "the same days again does no harm."
        )
        first, last = st.columns(2)
        first.date_input("First day", today - timedelta(days=30), max_value=today, key="imp_since")
        last.date_input("Last day", None, max_value=today, key="imp_until", help="Empty: up to now.")
        policy = st.selectbox("Stock", list(POLICIES), format_func=POLICIES.__getitem__, key="imp_policy")
        st.caption(f"{CONSEQUENCES[policy]} Days begin and end in {shop.zone.replace('_', ' ')}.")
        st.button("Import orders", type="primary", icon=":material/cloud_download:", key="imp_start", on_click=_start)


def _start() -> None:
    try:
        person, days = session.actor(), _typed()
        session.run(order_import.may_import)
        gateway = stripe_gateway.from_settings(load_settings())
    except StockError as problem:
        outcome.remembered().problem = problem
        return
    running = Running(who=person.name, days=days)

    def do() -> None:
        running.outcome = order_import.import_orders(pool.engine(), gateway, person, days=days, tell=running.tell)

    imports.begin(running, do)


def _typed() -> Range:
    since, until, policy = (st.session_state[f"imp_{name}"] for name in ("since", "until", "policy"))
    if not isinstance(since, date):
        raise invalid("first day", "is missing")
    return Range(since=since, until=until, policy=None if policy == AUTO else Policy(policy))


def _show_running(running: Running) -> None:
    with st.container(width=640, border=True, key="imp_running"):
        st.subheader("Importing orders", anchor=False)
        st.caption(f"{_range(running)} {words.plain(running.who)} started it. It goes on when this page is closed.")
        _watch(running)


@st.fragment(run_every=long_work.EVERY_SECONDS)
def _watch(running: Running) -> None:
    long_work.look(running)
    stage = running.stage
    st.progress(min(stage.share, 1.0), text=said(stage))
    st.button(
        "Stopping ..." if running.is_stopped else "Cancel",
        key="imp_stop",
        disabled=running.is_stopped,
        on_click=running.stop,
    )


def said(stage: Stage) -> str:
    """Return how far an import is: Reading payments · 1,200 looked at · 340 new."""
    counts = f"{words.number(stage.seen)} looked at{words.DOT}{words.number(stage.stored)} new"
    applied = f"{words.DOT}{words.number(stage.applied)} applied" if stage.doing == "Applying" else ""
    return f"{stage.doing}{words.DOT}{counts}{applied}"


def _show_over(running: Running, shop: Shop) -> None:
    with st.container(width=640, border=True, key="imp_over"):
        when = words.moment(running.began, shop.zone)
        st.caption(f"The last import, by {words.plain(running.who)}, {when}. {_range(running)}")
        if running.problem is not None:
            if isinstance(running.problem, SignInRequired):  # of who started it, not of who looks
                st.error(f"It ended because {words.plain(running.who)} was signed out meanwhile.")
            elif isinstance(running.problem, Unavailable):
                st.error(words.plain(running.problem.message), icon=":material/error:")
            else:
                feedback.show(running.problem)
            st.caption("What was read until then is kept. Import the same days again to go on.")
        elif running.outcome is not None:
            _show_outcome(running, running.outcome)


def _show_outcome(running: Running, done: Outcome) -> None:
    if running.is_stopped:
        st.markdown("**Stopped.** What was read is kept. Import the same days again to go on.")
    st.markdown(words.plain(order_import.told(done)))
    with st.container(horizontal=True, key="flush_imported"):
        if done.orders:
            links.to_page("orders", "To the orders", icon=":material/receipt_long:")
        if done.cases:
            links.to_page("alerts", f"To the {words.plural(done.cases, 'case')}", icon=":material/notifications:")


def _range(running: Running) -> str:
    until = f"up to {words.day(running.days.until)}" if running.days.until else "up to now"
    return f"From {words.day(running.days.since)} {until}: {POLICIES[running.days.policy or AUTO].lower()}."
