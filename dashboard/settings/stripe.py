"""The part of the Settings page about Stripe: key, mode, connection test, go-live, inbox and webhook."""

from __future__ import annotations

from datetime import UTC, datetime, time
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import streamlit as st

from core.foundation.errors import StockError, Unavailable
from core.foundation.settings import load_settings
from core.orders import stripe_link
from core.orders.stripe_link import Connected, Keys
from core.payloads import reading as payloads
from core.stripe import gateway as stripe_gateway
from core.stripe.reader import GatewayAccount
from core.stripe.trouble import READS, Patience
from dashboard.door import session
from dashboard.frame import feedback, links, outcome, words
from dashboard.settings import lookup, mapping

TRIES = 2
"""How often a person who waits for the connection test has Stripe asked."""

_TESTED = "_stripe_tested"


def show_stripe(seen: Connected, keys: Keys) -> None:
    """Show how the shop and Stripe are connected, and what an admin can do about it."""
    _show_mode(seen, keys)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, key="stripe_connection"):
        st.subheader("Connection", anchor=False)
        _show_connection(keys)
    with right, st.container(border=True, key="stripe_inbox"):
        st.subheader("Messages", anchor=False)
        _show_inbox(seen)
    with left, st.container(border=True, key="stripe_live"):
        st.subheader("Go-live", anchor=False)
        _show_go_live(seen)
    with right, st.container(border=True, key="stripe_webhook"):
        st.subheader("Webhook", anchor=False)
        _show_webhook(keys)
    mapping.show(seen)
    lookup.show(seen)


# ---------------------------------------------------------------- key and mode


def _show_mode(seen: Connected, keys: Keys) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="stripe_mode"):
        if keys.livemode is None:
            st.badge("Not connected", icon=":material/link_off:", color="gray")
        elif keys.livemode:
            st.badge("LIVE MODE: real money", icon=":material/bolt:", color="red")
        else:
            st.badge("TEST MODE: no real money", icon=":material/science:", color="orange")
        if keys.api_base:
            st.badge(f"Not Stripe itself: {urlsplit(keys.api_base).netloc}", icon=":material/warning:", color="violet")
    if keys.livemode is not None and seen.link.livemode not in (None, keys.livemode):
        _show_mismatch(livemode=keys.livemode)


def _show_mismatch(*, livemode: bool) -> None:
    given, tied = ("live", "test") if livemode else ("test", "live")
    with st.container(border=True, key="stripe_mismatch"):
        st.error(
            f"The key is one of {given} mode, but this shop was connected in {tied} mode: everything that comes in now "
            "is set aside. Set the right key, or change the shop's mode.",
            icon=":material/error:",
        )
        st.button(
            f"Change this shop to {given} mode",
            key="set_stripe_mode",
            on_click=outcome.do,
            args=(f"This shop is in Stripe's {given} mode from now on.", stripe_link.change_mode),
            kwargs={"livemode": livemode},
        )
        st.caption("From that moment on payments take stock; what was paid before can be imported, recorded only.")


def _show_connection(keys: Keys) -> None:
    mode = {None: "not set", True: "set, of live mode", False: "set, of test mode"}[keys.livemode]
    secrets = f"{keys.secrets} set" if keys.secrets else "none, so orders come by asking alone"
    st.markdown(f"Key: **{mode}**  \nSigning secrets: **{secrets}**  \nAPI version: `{keys.api_version}`")
    if not keys.is_set:
        st.markdown(
            "Without a key everything else works. Make a restricted key, put it into `STRIPE_SECRET_KEY` in the "
            "environment or in `.streamlit/secrets.toml`, and start Stockroom again."
        )
        st.link_button(
            "Make a restricted key at Stripe", stripe_link.key_link(), icon=":material/key:",
            help=f"With “Read” chosen for {words.listing(list(READS.values()))}.",
        )  # fmt: skip
        return
    st.button("Test the connection", key="set_stripe_test", icon=":material/network_check:", on_click=_test)
    _show_tested()
    st.caption("Key and secrets are set where Stockroom runs. No part of them is ever shown here or written to a log.")


def _test() -> None:
    """Ask Stripe for everything the key must be allowed to read; only an admin may."""
    try:
        session.run(stripe_link.connected)
        with st.spinner("Asking Stripe ..."):
            gateway = stripe_gateway.from_settings(load_settings(), Patience(attempts=TRIES))
            found = gateway.account() if gateway else None
    except StockError as problem:
        st.session_state[_TESTED] = problem
        return
    st.session_state[_TESTED] = found


def _show_tested() -> None:
    found: GatewayAccount | StockError | None = st.session_state.get(_TESTED)
    if isinstance(found, Unavailable):  # nothing could have been recorded, so nothing is said about that
        st.error(words.plain(found.message), icon=":material/error:")
    elif isinstance(found, StockError):
        feedback.show(found)
    elif found is not None and found.missing:
        named = [f"{name} (`{code}`)" for name, code in zip(found.missing_names, found.missing, strict=True)]
        st.warning(
            f"{_whose(found)} answers, but the key may not read {words.listing(named)}. Edit the key in Stripe's "
            "dashboard under API keys, choose “Read” there, and test again; the key stays the same.",
            icon=":material/lock:",
        )
    elif found is not None:
        st.success(f"{_whose(found)} answers, and the key may read all it needs.", icon=":material/check_circle:")


def _whose(found: GatewayAccount) -> str:
    name = f"**{words.plain(found.name)}**" if found.name else "The account"
    return f"{name} (`{found.id}`)" if found.id else name


# ---------------------------------------------------------------- go-live


def _show_go_live(seen: Connected) -> None:
    zone, live = seen.shop.zone, seen.link.live_since
    if live is None:
        st.markdown("Not yet. The first poll or import with a key sets it to that moment.")
    st.caption(
        "What was paid before this instant is recorded and moves no stock, because the shelf was counted without it. "
        "What is paid from then on takes stock. Changing it decides about orders that come in later; those "
        "recorded already stay as they are."
    )
    shown = words.local(live or datetime.now(UTC), zone)
    key = f"{shown:%Y%m%d%H%M}" if live else "none"
    with st.form("set_stripe_live", border=False):
        first, second = st.columns(2)
        first.date_input("Day", shown.date(), key=f"set_live_day_{key}")
        second.time_input("Time", time(shown.hour, shown.minute), step=300, key=f"set_live_time_{key}")
        st.form_submit_button("Save", on_click=_save_live, args=(seen, key))
    st.caption(f"On the shop's clock, {zone.replace('_', ' ')}.")


def _save_live(seen: Connected, key: str) -> None:
    day, clock = st.session_state[f"set_live_day_{key}"], st.session_state[f"set_live_time_{key}"]
    wanted = datetime.combine(day, clock, ZoneInfo(seen.shop.zone))
    live = seen.link.live_since
    if live is not None and wanted == live.replace(second=0, microsecond=0):
        outcome.remembered().done = "There was nothing to save."
        return
    said = f"What is paid from {words.moment(wanted, seen.shop.zone)} on takes stock."
    outcome.do(said, stripe_link.go_live_at, at=wanted)


# ---------------------------------------------------------------- inbox and webhook


def _show_inbox(seen: Connected) -> None:
    now, inbox = datetime.now(UTC), seen.inbox
    with st.container(horizontal=True):
        st.metric("Waiting", words.number(inbox.waiting), width="content")
        st.metric("Parked", words.number(inbox.parked), width="content")
    oldest = f" The oldest came {words.ago(inbox.oldest, now)}." if inbox.oldest else ""
    polled = words.ago(seen.link.polled_at, now)
    st.caption(
        f"Stripe was last asked what happened: {polled}.{oldest} Waiting messages are worked on within a minute; a "
        "parked one needs a person and is a case."
    )
    with st.container(horizontal=True, key="flush_stripe"):
        if inbox.parked:
            links.to_page("alerts", "To the cases", icon=":material/notifications:")
        links.to_page("catalog", "Import orders", icon=":material/cloud_download:", imp_section="Orders")


def _show_webhook(keys: Keys) -> None:
    st.caption(
        "Not needed: without it Stripe is asked every minute. With it, orders come in within seconds. At Stripe, under "
        "Developers, Webhooks, add an endpoint with this address and these events, then put its signing secret into "
        "`STRIPE_WEBHOOK_SECRET`."
    )
    st.code(f"{session.origin()}{stripe_link.WEBHOOK}", language=None, wrap_lines=True)
    with st.expander(f"{len(payloads.KINDS)} events to choose, API version {keys.api_version}"):
        st.code("\n".join(payloads.KINDS), language=None)
