"""Settings, Stripe: key, mode, connection test, go-live, inbox and webhook."""

from __future__ import annotations

from datetime import UTC, datetime, time
from urllib.parse import urlsplit

import streamlit as st

from core.database import pool
from core.foundation import days
from core.foundation.errors import StockError, Unavailable
from core.foundation.settings import load_settings
from core.orders import stripe_link
from core.orders.stripe_link import Connected, Keys
from core.payloads import reading as payloads
from core.sandbox import connection
from core.stripe.reader import GatewayAccount
from core.stripe.trouble import READS, Patience
from dashboard.door import session
from dashboard.frame import feedback, links, outcome, words
from dashboard.language.said import translated
from dashboard.language.texts import tr
from dashboard.settings import amounts, mapping

TRIES = 2
"""Attempts of the connection test, for which a person waits."""

_TESTED = "_stripe_tested"


def show_stripe(seen: Connected, keys: Keys) -> None:
    """Show the connection between the shop and Stripe, with its settings."""
    is_sandbox = seen.shop.is_sample and not keys.is_set
    _show_mode(seen, keys, is_sandbox)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, key="stripe_connection"):
        st.subheader(tr("Connection"), anchor=False)
        _show_connection(keys, is_sandbox)
    with right, st.container(border=True, key="stripe_inbox"):
        st.subheader(tr("Messages"), anchor=False)
        _show_inbox(seen)
    with left, st.container(border=True, key="stripe_live"):
        st.subheader(tr("Go-live"), anchor=False)
        _show_go_live(seen)
    with right, st.container(border=True, key="stripe_webhook"):
        st.subheader("Webhook", anchor=False)
        _show_webhook(keys)
    mapping.show(seen)
    with st.container(border=True, key="stripe_tolerance"):
        st.subheader(tr("Amounts that differ"), anchor=False)
        amounts.show(seen)
    with st.container(border=True, key="stripe_confirmation"):
        st.subheader(tr("Confirmation mail"), anchor=False)
        amounts.show_confirmation(seen)
    with st.container(border=True, key="stripe_lookup"):
        st.subheader(tr("Orders of the storefront"), anchor=False)
        amounts.show_lookup(seen)


# ---------------------------------------------------------------- key and mode


def _show_mode(seen: Connected, keys: Keys, is_sandbox: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="stripe_mode"):
        if is_sandbox:
            st.badge(tr("SANDBOX: not Stripe, no real money"), icon=":material/science:", color="violet")
        elif keys.livemode is None:
            st.badge(tr("Not connected"), icon=":material/link_off:", color="gray")
        elif keys.livemode:
            st.badge(tr("LIVE MODE: real money"), icon=":material/bolt:", color="red")
        else:
            st.badge(tr("TEST MODE: no real money"), icon=":material/science:", color="orange")
        if keys.api_base:
            st.badge(
                tr("Not Stripe itself: {netloc}", netloc=urlsplit(keys.api_base).netloc),
                icon=":material/warning:",
                color="violet",
            )
    if keys.livemode is not None and seen.link.livemode not in (None, keys.livemode):
        _show_mismatch(livemode=keys.livemode)


def _show_mismatch(*, livemode: bool) -> None:
    given, tied = ("live", "test") if livemode else ("test", "live")
    with st.container(border=True, key="stripe_mismatch"):
        st.error(
            tr(
                "The key is one of {given} mode, but this shop is connected in {tied} mode, so all "
                "new messages are ignored. Set a key of the other mode, or change the shop's mode.",
                given=given,
                tied=tied,
            ),
            icon=":material/error:",
        )
        st.button(
            tr("Change this shop to {given} mode", given=given),
            key="set_stripe_mode",
            on_click=outcome.do,
            args=(tr("This shop is now in Stripe's {given} mode.", given=given), stripe_link.change_mode),
            kwargs={"livemode": livemode},
        )
        st.caption(tr("Payments from then on take stock. Earlier payments can be imported without moving stock."))


def _show_connection(keys: Keys, is_sandbox: bool) -> None:
    mode = {None: tr("not set"), True: tr("set (live mode)"), False: tr("set (test mode)")}[keys.livemode]
    secrets = tr("{secrets} set", secrets=keys.secrets) if keys.secrets else tr("none, so orders are only polled")
    if is_sandbox:
        mode, secrets = tr("the sandbox's own"), tr("the sandbox's own")
    st.markdown(
        tr(
            "Key: **{mode}**  \nSigning secrets: **{secrets}**  \nAPI version: `{api_version}`",
            mode=mode,
            secrets=secrets,
            api_version=keys.api_version,
        )
    )
    if is_sandbox:
        st.markdown(
            tr(
                "In the sample shop a sandbox stands in for Stripe. Its payments, refunds and "
                "disputes are made up, and they arrive by webhook and poll as real ones do."
            )
        )
    elif not keys.is_set:
        st.markdown(
            tr(
                "Everything else works without a key. Create a restricted key, set it as "
                "`STRIPE_SECRET_KEY` in the environment or in `.streamlit/secrets.toml`, and restart "
                "Stockroom."
            )
        )
        st.link_button(
            tr("Create a restricted key at Stripe"), stripe_link.key_link(), icon=":material/key:",
            help=tr("With the permission “Read” for {values}.", values=words.listing(list(READS.values()))),
        )  # fmt: skip
        return
    st.button(tr("Test the connection"), key="set_stripe_test", icon=":material/network_check:", on_click=_test)
    _show_tested()
    if not is_sandbox:
        st.caption(tr("Key and secrets are set in the environment. They are never shown here or written to a log."))


def _test() -> None:
    """Read from Stripe everything for which the key needs permission. Only an admin may do this."""
    try:
        session.run(stripe_link.connected)
        with st.spinner(tr("Connecting to Stripe ...")):
            gateway = connection.find(load_settings(), pool.engine(), Patience(attempts=TRIES))
            found = gateway.account() if gateway else None
    except StockError as problem:
        st.session_state[_TESTED] = problem
        return
    st.session_state[_TESTED] = found


def _show_tested() -> None:
    found: GatewayAccount | StockError | None = st.session_state.get(_TESTED)
    if isinstance(found, Unavailable):  # without the advice about recorded changes, because a test records none
        st.error(words.plain(translated(found.message)), icon=":material/error:")
    elif isinstance(found, StockError):
        feedback.show(found)
    elif found is not None and found.missing:
        named = [f"{name} (`{code}`)" for name, code in zip(found.missing_names, found.missing, strict=True)]
        st.warning(
            tr(
                "{found} answers, but the key may not read {named}. Edit the key under API keys in "
                "Stripe's dashboard, choose “Read” for them, and test again. The key itself does not "
                "change.",
                found=_whose(found),
                named=words.listing(named),
            ),
            icon=":material/lock:",
        )
    elif found is not None:
        st.success(
            tr("{found} answers, and the key has all permissions.", found=_whose(found)), icon=":material/check_circle:"
        )


def _whose(found: GatewayAccount) -> str:
    name = f"**{words.plain(found.name)}**" if found.name else tr("The account")
    return f"{name} (`{found.id}`)" if found.id else name


# ---------------------------------------------------------------- go-live


def _show_go_live(seen: Connected) -> None:
    zone, live = seen.shop.zone, seen.link.live_since
    if live is None:
        st.markdown(tr("Not set. The first poll or import with a key sets it to the current time."))
    st.caption(
        tr(
            "Orders paid before this time are recorded only and move no stock, because the first "
            "count did not include their units. Later orders take stock. A change does not "
            "affect orders that are already recorded."
        )
    )
    shown = words.local(live or datetime.now(UTC), zone)
    key = f"{shown:%Y%m%d%H%M}" if live else "none"
    with st.form("set_stripe_live", border=False):
        first, second = st.columns(2)
        first.date_input(tr("Day"), shown.date(), key=f"set_live_day_{key}")
        second.time_input(tr("Time"), time(shown.hour, shown.minute), step=300, key=f"set_live_time_{key}")
        st.form_submit_button(tr("Save"), on_click=_save_live, args=(seen, key))
    st.caption(tr("In the shop's time zone, {value}.", value=zone.replace("_", " ")))


def _save_live(seen: Connected, key: str) -> None:
    day, clock = st.session_state[f"set_live_day_{key}"], st.session_state[f"set_live_time_{key}"]
    wanted = days.moment(datetime.combine(day, clock), seen.shop.zone)
    live = seen.link.live_since
    if live is not None and wanted == live.replace(second=0, microsecond=0):
        outcome.remembered().done = tr(outcome.UNCHANGED)
        return
    done = tr("Orders paid from {wanted} take stock.", wanted=words.moment(wanted, seen.shop.zone))
    outcome.do(done, stripe_link.go_live_at, at=wanted)


# ---------------------------------------------------------------- inbox and webhook


def _show_inbox(seen: Connected) -> None:
    now, inbox = datetime.now(UTC), seen.inbox
    with st.container(horizontal=True):
        st.metric(tr("Waiting"), words.number(inbox.waiting), width="content")
        st.metric(tr("Parked"), words.number(inbox.parked), width="content")
    oldest = tr(" Oldest waiting message: {oldest}.", oldest=words.ago(inbox.oldest, now)) if inbox.oldest else ""
    polled = words.ago(seen.link.polled_at, now)
    st.caption(
        tr(
            "Last poll: {polled}.{oldest} Waiting messages are processed within a minute. Parked "
            "messages could not be processed, and each has a case.",
            polled=polled,
            oldest=oldest,
        )
    )
    with st.container(horizontal=True, key="flush_stripe"):
        if inbox.parked:
            links.to_page("alerts", tr("View cases"), icon=":material/notifications:")
        links.to_page("catalog", tr("Import orders"), icon=":material/cloud_download:", imp_section="Orders")


def _show_webhook(keys: Keys) -> None:
    st.caption(
        tr(
            "Optional. With a webhook, orders arrive within seconds; without it, Stripe is "
            "polled every minute. In Stripe's dashboard, under Developers, Webhooks, add an "
            "endpoint with this URL and these events, then set its signing secret as "
            "`STRIPE_WEBHOOK_SECRET`."
        )
    )
    st.code(f"{session.origin()}{stripe_link.WEBHOOK}", language=None, wrap_lines=True)
    with st.expander(
        tr(
            "{kinds} events to select, API version {api_version}",
            kinds=len(payloads.KINDS),
            api_version=keys.api_version,
        )
    ):
        st.code("\n".join(payloads.KINDS), language=None)
