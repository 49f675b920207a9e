"""Cases: the list under its filters, the most urgent first, and one case with its history and what can be done."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core.alerts.reads import STILL_OPEN, AlertFilter
from core.foundation.model import Actor
from core.foundation.sales import AlertKind, AlertState
from core.screens import exports
from core.screens import orders as order_screens
from core.screens.orders import AlertList, WholeAlert
from dashboard.alerts import case_forms, deliveries, runbook, tables
from dashboard.alerts import several as several_desk
from dashboard.door import session
from dashboard.frame import feedback, links, live, pager, selling, words
from dashboard.frame import page as frame

PARAM = "alert"
CURSOR = "alr_page"
STATES = {
    "Not resolved": STILL_OPEN,
    "Open": (AlertState.OPEN,),
    "Acknowledged": (AlertState.ACKNOWLEDGED,),
    "Mine": STILL_OPEN,
    "Snoozed": STILL_OPEN,
    "Resolved": (AlertState.RESOLVED,),
    "All": (),
}
_SLEEPING = {"Snoozed": True, "All": None}
_KINDS = {label: kind for kind, label in selling.KINDS.items()}
_USUAL = "Not resolved"
_EMPTY: dict[str, Any] = {"alr_q": "", "alr_kind": [], "alr_state": _USUAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the page shows: the filter and the page of the list."""

    filter: AlertFilter
    cursor: str | None

    @property
    def narrowed(self) -> bool:
        """Whether anything but what is resolved is left out."""
        return self.filter != AlertFilter()

    def key(self, seen: AlertList) -> str:
        """Return a name that changes with filter and page, with the rows, and with what this tab does: a choice of rows
        tells positions among them."""
        told = (self, [row.alert_id for row in seen.page.rows], feedback.told().posted)
        return f"alr_{hashlib.sha1(repr(told).encode(), usedforsecurity=False).hexdigest()[:10]}"


def _first() -> None:
    st.query_params.pop(CURSOR, None)


def clear() -> None:
    """Take every filter off."""
    _first()
    for key, value in _EMPTY.items():
        st.session_state[key] = value


def show_filters(person: Actor) -> Wanted:
    """Draw the filters and return what they say."""
    bound: dict[str, Any] = {"bind": "query-params", "on_change": _first}
    with st.grid(2, min_column_width=220, gap="small", key="alr_filters"):
        said = st.text_input(
            "Search", key="alr_q", type="search", placeholder="Order, email, payment, SKU, words of the case", **bound
        )
        kinds = st.multiselect("Case", list(_KINDS), placeholder="Any", key="alr_kind", **bound)
    state = st.pills(
        "State", list(STATES), default=_USUAL, required=True, key="alr_state", label_visibility="collapsed", **bound
    )
    wanted = AlertFilter(
        search=(said or "").strip(), states=STATES.get(state or _USUAL, STILL_OPEN),
        kinds=tuple(_KINDS[kind] for kind in kinds), snoozed=_SLEEPING.get(state or _USUAL, False),
        assigned_to=person.user_id if state == "Mine" else None,
    )  # fmt: skip
    return Wanted(filter=wanted, cursor=st.query_params.get(CURSOR))


def show_list(seen: AlertList, wanted: Wanted, person: Actor) -> None:
    """Show a page of cases, or why there is none."""
    rows = seen.page.rows
    if not rows:
        _show_nothing(wanted)
        return
    key = wanted.key(seen)
    _show_above(seen, wanted, person)
    several = st.container(
        key="alr_do"
    )  # above the table, but drawn after it: only then is known which rows are chosen
    chosen = tables.show(rows, key=key, pick=open_alert, choose=several_desk.offers(person))
    with several:
        several_desk.show(seen, chosen, key, person)
    pager.show_pages(CURSOR, seen.page.before, seen.page.after, names=("First", "Previous", "Next"), key="alr")


def _show_above(seen: AlertList, wanted: Wanted, person: Actor) -> None:
    """Say how many cases there are and what is at stake, with the ways to all, to a file, and to several at once."""
    order = "stock that did not leave the shelf comes first, then the oldest."
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="alr_count"):
        said = f"{pager.counted(seen.stake.cases, 'case')}; {order} {selling.at_stake(seen.stake)}"
        st.caption(words.plain(said.strip()), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if several_desk.offers(person):
                several_desk.show_switch()
            if wanted.narrowed:
                st.button(
                    "Clear filters", key="alr_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear
                )
            st.download_button(
                "Export", session.later(exports.alerts_csv, filter=wanted.filter), "cases.csv", "text/csv",
                key="alr_export", on_click="ignore", icon=":material/download:",
                help="Every case under this filter, as CSV",
            )  # fmt: skip
    if seen.stale:
        st.caption("The link pointed to a page of another list, so this is its beginning.")


def open_alert(alert_id: int) -> None:
    """Open one case."""
    st.query_params[PARAM] = str(alert_id)


def close_alert() -> None:
    """Go back to the list."""
    st.query_params.pop(PARAM, None)


def _show_nothing(wanted: Wanted) -> None:
    if wanted.narrowed:
        frame.empty(
            "No case matches", "Take a filter off, or look among the resolved ones.", icon=":material/search_off:"
        )
        st.button("Clear filters", key="alr_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear)
    else:
        frame.empty(
            "Nothing needs anybody",
            "What a paid order could not take off the shelf, and what is low, would stand here until it is finished.",
            icon=":material/task_alt:",
        )


def show(wanted: str, person: Actor) -> None:
    """Show the case that the address asks for, or say that there is none."""
    st.button("All cases", icon=":material/arrow_back:", on_click=close_alert, key="alr_back")
    known = wanted.isascii() and wanted.isdecimal() and len(wanted) < 19
    seen = session.run(order_screens.case, alert_id=int(wanted)) if known else None
    if seen is None:
        frame.empty(
            "There is no such case", "The link may be cut off, or come from another shop.", icon=":material/search_off:"
        )
        return
    live.watch(seen.latest)
    _show_head(seen, person)
    left, right = st.columns([2, 1], gap="small")
    with left:
        if seen.alert.state is not AlertState.RESOLVED:
            with st.container(border=True, key="alr_actions"):
                st.subheader("What can be done", anchor=False)
                case_forms.show_whole(seen, person)
        runbook.show(selling.KINDS[seen.alert.kind])
        raw = seen.alert.facts.get("raw")
        if raw:
            with st.container(border=True, key="alr_raw"):
                st.subheader("What came with the payment", anchor=False)
                st.code(str(raw), language=None, wrap_lines=True)
                st.caption("Read it, take the goods off the shelf by hand on the Stock page, then resolve the case.")
        with st.container(border=True, key="alr_history"):
            _show_history(seen)
        deliveries.show_deliveries(seen.alert.alert_id, seen.shop.zone)
    with right, st.container(border=True, key="alr_facts"):
        _show_facts(seen)


def _show_head(seen: WholeAlert, person: Actor) -> None:
    alert = seen.alert
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="alr_head"):
        st.subheader(selling.KINDS[alert.kind], anchor=False, width="content")
        colour = {AlertState.OPEN: "red", AlertState.ACKNOWLEDGED: "orange", AlertState.RESOLVED: "green"}[alert.state]
        st.badge(selling.ALERT_STATES[alert.state], color=colour)  # type: ignore[arg-type]
        if alert.is_snoozed:
            assert alert.snoozed_until  # it sleeps until then
            st.badge(f"Snoozed until {words.short_moment(alert.snoozed_until, seen.shop.zone)}", color="gray")
        case_forms.show_quick(alert, person)
    st.write(words.plain(alert.sentence))
    if alert.resolved_by:
        at = words.moment(alert.resolved_at, seen.shop.zone)
        st.caption(words.plain(f"Resolved by {alert.resolved_by}, {at}: {alert.resolution or ''}"))


def _show_facts(seen: WholeAlert) -> None:
    alert, now = seen.alert, datetime.now(UTC)
    st.subheader("About", anchor=False)
    with st.container(gap=None, key="flush_alert"):
        if alert.order_id is not None:
            name = words.plain(alert.order_number or alert.payment_id or "")
            links.to_page("orders", f"Order {name}", icon=":material/receipt_long:", order=str(alert.order_id))
        if alert.sku:
            links.to_page("stock", words.plain(alert.sku), icon=":material/inventory_2:", sku=alert.sku)
        if alert.kind is AlertKind.PROOF_FAILED:
            links.to_page("reconciliation", "Reconciliation", icon=":material/verified:")
    if alert.email:
        st.text(alert.email)  # as it is: in Markdown an email address would become a link
    facts = {
        "Assigned to": alert.assigned_name or "nobody",
        **_level_facts(seen),
        "Units": words.units(alert.units) if alert.units else "",
        "Money": selling.money(alert.money, alert.currency) if alert.money else "",
        "Since": f"{words.moment(alert.first_at, seen.shop.zone)}, {words.ago(alert.first_at, now)}",
        "Seen last": words.moment(alert.last_at, seen.shop.zone) if alert.seen > 1 else "",
        "Seen": words.plural(alert.seen, "time"),
        "Tried again": words.plural(alert.attempts, "time") if alert.attempts else "" if seen.level else "not yet",
        "Refund": alert.stripe_refund_id or "",
        "Message": selling.message(str(alert.facts.get("kind", ""))) if alert.event_id else "",
    }
    st.table({name: words.plain(said) for name, said in facts.items() if said}, border="horizontal")


def _level_facts(seen: WholeAlert) -> dict[str, str]:
    """What a case about a level tells: the level now and then, and the movement that crossed the reorder point."""
    facts = seen.alert.facts
    if seen.level is None or "level" not in facts:
        return {}
    moved = facts.get("movement_type")
    by = (
        f"{words.signed_units(facts['quantity'])}, {facts['movement_type']} by {facts['performed_by']}" if moved else ""
    )
    return {
        "On hand now": words.units(seen.level.on_hand),
        "On hand then": words.units(facts["level"]),
        "Reorder at": words.units(seen.level.reorder_point),
        "Movement": by or "none: its reorder point or state was changed",
    }


def _show_history(seen: WholeAlert) -> None:
    st.subheader("History", anchor=False)
    for place, step in enumerate(seen.history):
        with st.container(gap=None, key=f"flush_history_{place}"):
            st.markdown(selling.event(step.what))
            who = f"{step.who}, {words.moment(step.at, seen.shop.zone)}"
            st.caption(words.plain(words.DOT.join(filter(None, (who, step.note)))))
