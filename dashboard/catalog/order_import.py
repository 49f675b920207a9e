"""Importing orders from Stripe: the form, the progress with Cancel, and the result.

The import runs in its own thread (`dashboard/frame/long_work.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from core.database import pool
from core.foundation import days
from core.foundation.errors import StockError, invalid
from core.foundation.model import Actor, Shop
from core.foundation.sales import Policy
from core.foundation.settings import load_settings
from core.inbox import range_import as order_import
from core.inbox.range_import import Outcome, Range, Stage
from core.people.access import Permission, may
from core.sandbox import connection
from dashboard.door import session
from dashboard.frame import links, long_work, outcome, words
from dashboard.frame import page as frame
from dashboard.frame.long_work import LongWork
from dashboard.language.texts import inside, lazy, marked, tr

AUTO = "auto"
POLICIES = lazy(
    {
        AUTO: "Depends on the go-live time",
        Policy.NORMAL: "Take stock",
        Policy.SKIP: "Record only",
        Policy.FORCE: "Ship what is in stock",
    }
)
CONSEQUENCES = lazy(
    {
        AUTO: "Orders paid before the shop went live are recorded only and move no stock. Later orders take stock.",
        Policy.NORMAL: "Every order takes its units off the shelf, whenever it was paid. Missing units open a case.",
        Policy.SKIP: "Orders are recorded and move no stock. For goods that left the shelf before the first count.",
        Policy.FORCE: "Every order takes the available units. Missing units are recorded as oversold, without a case.",
    }
)


SANDBOX = marked(
    ":material/science: Imports from the sandbox, which stands in for Stripe in the sample shop. No real money moves."
)


@dataclass(slots=True, kw_only=True)
class Running(LongWork):
    """A running import, or the last one."""

    called: str = "import"
    days: Range
    stage: Stage = field(default_factory=lambda: Stage(doing=tr("Asking Stripe"), seen=0, stored=0))
    outcome: Outcome | None = None
    is_stopped: bool = False

    def tell(self, stage: Stage) -> bool:
        """Record a stage. Returns whether to continue."""
        self.stage = stage
        return not self.is_stopped

    def stop(self) -> None:
        """Ask the thread to stop after the current step."""
        self.is_stopped = True


imports = long_work.OneAtATime[Running]()


def show(person: Actor, shop: Shop) -> None:
    """Show the running import, or the form and the result of the last one."""
    if not may(person.role, Permission.IMPORT_ORDERS):
        frame.empty(tr("Your role cannot import orders"), tr("A manager or an admin of your shop can."))
    elif load_settings().stripe_secret_key is None and not shop.is_sample:
        frame.empty_sales(
            tr("Stripe is not connected"),
            tr("Payments, refunds and disputes of the days that you choose are imported here once it is."),
            person,
            shop,
            icon=":material/link_off:",
        )
    elif (found := imports.latest) is not None and not found.is_over:
        _show_running(found)
    else:
        if shop.is_sample and load_settings().stripe_secret_key is None:
            st.caption(tr(SANDBOX))
        if found is not None:
            _show_over(found, shop)
        _show_form(shop)


def _show_form(shop: Shop) -> None:
    today = days.of(datetime.now(UTC), shop.zone)
    with st.container(width=640):
        st.markdown(
            tr(
                "Imports payments, refunds and disputes of these days from Stripe. New orders arrive "
                "automatically, so this is for the first run, for gaps, and for orders older than "
                "thirty days. Recorded orders do not change, so it is safe to import the same days "
                "again."
            )
        )
        first, last = st.columns(2)
        first.date_input(tr("First day"), today - timedelta(days=30), max_value=today, key="imp_since")
        last.date_input(tr("Last day"), None, max_value=today, key="imp_until", help=tr("Leave empty for today."))
        policy = st.selectbox(tr("Stock"), list(POLICIES), format_func=POLICIES.__getitem__, key="imp_policy")
        st.caption(
            tr(
                "{consequences} Days are those of {value}.",
                consequences=CONSEQUENCES[policy],
                value=shop.zone.replace("_", " "),
            )
        )
        st.button(
            tr("Import orders"), type="primary", icon=":material/cloud_download:", key="imp_start", on_click=_start
        )


def _start() -> None:
    try:
        person, days = session.actor(), _typed()
        session.run(order_import.may_import)
        gateway = connection.find(load_settings(), pool.engine())
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
        raise invalid("first day", "is required")
    return Range(since=since, until=until, policy=None if policy == AUTO else Policy(policy))


def _show_running(running: Running) -> None:
    with st.container(width=640, border=True, key="imp_running"):
        st.subheader(tr("Importing orders"), anchor=False)
        st.caption(
            tr(
                "{running} Started by {who}. It continues if you close this page.",
                running=_range(running),
                who=words.plain(running.who),
            )
        )
        _watch(running)


@st.fragment(run_every=long_work.EVERY_SECONDS)
def _watch(running: Running) -> None:
    long_work.look(running)
    stage = running.stage
    st.progress(min(stage.share, 1.0), text=progress(stage))
    st.button(
        tr("Stopping ...") if running.is_stopped else tr("Cancel"),
        key="imp_stop",
        disabled=running.is_stopped,
        on_click=running.stop,
    )


def progress(stage: Stage) -> str:
    """Return the progress of an import: Reading payments · 1,200 read · 340 new."""
    applied = tr("{applied} applied", applied=words.number(stage.applied)) if stage.doing == "Applying" else ""
    counts = (tr("{seen} read", seen=words.number(stage.seen)), tr("{stored} new", stored=words.number(stage.stored)))
    return words.joined(stage.doing, *counts, applied)


def _show_over(running: Running, shop: Shop) -> None:
    with st.container(width=640, border=True, key="imp_over"):
        when = words.moment(running.began, shop.zone)
        st.caption(
            tr(
                "Last import: {when}, by {who}. {running}",
                when=when,
                who=words.plain(running.who),
                running=_range(running),
            )
        )
        if running.problem is not None:
            long_work.show_problem(running, running.problem)
            st.caption(tr("Messages read until then are stored. Import the same days again to continue."))
        elif running.outcome is not None:
            _show_outcome(running, running.outcome)


def _show_outcome(running: Running, done: Outcome) -> None:
    if running.is_stopped:
        st.markdown(tr("**Stopped.** Messages read until then are stored. Import the same days again to continue."))
    st.markdown(words.plain(order_import.told(done)))
    with st.container(horizontal=True, key="flush_imported"):
        if done.orders:
            links.to_page("orders", tr("View orders"), icon=":material/receipt_long:")
        if done.cases:
            links.to_page(
                "alerts", tr("View {cases}", cases=words.plural(done.cases, "case")), icon=":material/notifications:"
            )


def _range(running: Running) -> str:
    until = tr("up to {until}", until=words.day(running.days.until)) if running.days.until else tr("up to now")
    return tr(
        "From {since} {until}: {policies}.",
        since=words.day(running.days.since),
        until=until,
        policies=inside(POLICIES[running.days.policy or AUTO]),
    )
