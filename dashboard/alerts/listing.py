"""The lists of cases, failed stock updates first, and one case with its history and actions."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.alerts import deliveries
from core.alerts.deliveries import Sent
from core.alerts.reads import Alert, AlertFilter, CaseList
from core.foundation.model import Actor, MovementType
from core.foundation.sales import AlertKind, AlertState
from core.orders import guesses
from core.screens import exports
from core.screens import orders as order_screens
from core.screens.orders import AlertList, WholeAlert
from dashboard.alerts import ageing, case_forms, filters, lines, runbook, several, steps, tables
from dashboard.door import session
from dashboard.frame import columns, feedback, links, lists, live, selling, words
from dashboard.frame import page as frame
from dashboard.frame import tables as frame_tables
from dashboard.frame.lists import Wanted
from dashboard.language import sales
from dashboard.language.said import translated
from dashboard.language.texts import inside, lazy, source, tr

PARAM = "alert"


def show_list(seen: AlertList, wanted: Wanted[AlertFilter], person: Actor) -> None:
    """Show a page of a list of cases, or why there is none."""
    rows = seen.page.rows
    if not rows:
        _show_nothing(seen, wanted.filter)
        ageing.show(seen.times)
        return
    # Changes with what this tab posts, too: a selection holds positions among these very rows.
    key = columns.key_of("alr", wanted, [row.alert_ids for row in rows], feedback.messages().posted)
    _show_above(seen, wanted.filter, person)
    actions = st.container(key="alr_do")  # above the table but filled after it, when the selection is known
    selected = tables.show(rows, wanted.filter.list, key=key, pick=_open_step, select=several.offers(person))
    with actions:
        several.show(seen, selected, key, person)
    lists.show_pages(
        filters.FILTERS.cursor,
        seen.page.before,
        seen.page.after,
        names=(tr("First"), tr("Previous"), tr("Next")),
        key="alr",
    )
    ageing.show(seen.times)


def _show_above(seen: AlertList, wanted: AlertFilter, person: Actor) -> None:
    rows = filters.counted(seen.stake.rows, wanted.list)
    if seen.stake.cases.at_least:
        rows = lists.counted(seen.stake.cases, "case")
    order = tr("failed updates first") if wanted.list is None else tr("the oldest first")
    if wanted.list is CaseList.LEVELS:
        order = tr("those out of stock first")
    others = filters.others(seen.around.counts, wanted.list)
    text = " ".join(filter(None, (f"{rows}, {order}.", selling.at_stake(seen.stake), others)))
    clear = filters.FILTERS.clear if filters.narrowed(wanted) else None

    def actions() -> None:
        if several.offers(person):
            several.show_switch()
        st.download_button(
            tr("Export"),
            session.later(exports.alerts_csv, filter=wanted),
            "cases.csv",
            "text/csv",
            key="alr_export",
            on_click="ignore",
            icon=":material/download:",
            help=tr("All cases under this filter, as CSV"),
        )

    lists.show_head(words.plain(text), key="alr", clear=clear, stale=seen.stale, actions=actions)


def _open_step(alert: Alert) -> None:
    """Open a case at its next step."""
    lists.put(steps.PARAM, steps.of(alert) or None)
    open_alert(alert.alert_id)


def open_alert(alert_id: int) -> None:
    """Open one case."""
    lists.put(PARAM, alert_id)


def close_alert() -> None:
    """Go back to the list."""
    lists.put(PARAM, None)
    lists.put(steps.PARAM, None)


def _show_nothing(seen: AlertList, wanted: AlertFilter) -> None:
    if filters.narrowed(wanted):
        frame.empty(
            tr("No case matches"), tr("Remove a filter, or look at the resolved cases."), icon=":material/search_off:"
        )
        lists.show_clear("alr", filters.FILTERS.clear)
    else:
        headline, about = _NOTHING[wanted.list]
        sentence = f"{about} {last(seen.around.last_at, seen.shop.zone)}"
        frame.empty(headline, sentence, icon=":material/task_alt:", begin=_begin)
    if other := filters.others(seen.around.counts, wanted.list):
        st.caption(words.plain(other))


def _begin() -> None:
    links.begin("runbook", tr("What to do about each kind"), icon=":material/menu_book:", is_main=False)


_NOTHING = lazy(
    {
        CaseList.FAILED: ("No failed updates", "The lines of every paid order are off the shelf or settled."),
        CaseList.DECISIONS: (
            ("No payments to decide about"),
            ("Disputes and what looks like a double payment appear here."),
        ),
        CaseList.LEVELS: ("No product is low", "Variants at or below their reorder point appear here."),
        CaseList.MACHINERY: ("The machinery runs", "Failing jobs, backups and proofs appear here."),
        None: ("No open cases", "Failed updates, low levels and other problems appear here."),
    }
)


def last(at: datetime | None, zone: str) -> str:
    """Return when the last case of a list opened."""
    if at is None:
        return tr("There has been none so far.")
    return tr("The last one opened {at}, on {at_2}.", at=words.ago(at, datetime.now(UTC)), at_2=words.moment(at, zone))


def show(wanted: str, person: Actor) -> None:
    """Show the case that the address names, or say that there is none."""
    st.button(tr("All cases"), icon=":material/arrow_back:", on_click=close_alert, key="alr_back")
    alert_id = lists.number(wanted)
    seen = None if alert_id is None else session.run(order_screens.case, alert_id=alert_id)
    if seen is None:
        frame.missing("case")
        return
    live.watch(seen.latest)
    _show_head(seen, person)
    left, right = st.columns([2, 1], gap="small")
    with left:
        if seen.alert.state is not AlertState.RESOLVED:
            with st.container(border=True, key="alr_actions"):
                st.subheader(tr("Actions"), anchor=False)
                case_forms.show_whole(seen, person)
        runbook.show(source(sales.KINDS)[seen.alert.kind])
        raw = seen.alert.facts.get("raw")
        if raw and not lines.offered_on(seen.alert, person):
            with st.container(border=True, key="alr_raw"):
                st.subheader(tr("Cart of the payment"), anchor=False)
                lines.show_told(guesses.written(str(raw)))
                st.caption(tr(selling.BY_HAND))
        with st.container(border=True, key="alr_history"):
            _show_history(seen)
        _show_deliveries(seen.alert.alert_id, seen.shop.zone)
    with right, st.container(border=True, key="alr_facts"):
        _show_facts(seen)


def _show_head(seen: WholeAlert, person: Actor) -> None:
    alert = seen.alert
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="alr_head"):
        st.subheader(sales.KINDS[alert.kind], anchor=False, width="content")
        colour = {AlertState.OPEN: "red", AlertState.ACKNOWLEDGED: "orange", AlertState.RESOLVED: "green"}[alert.state]
        st.badge(sales.ALERT_STATES[alert.state], color=colour)  # type: ignore[arg-type]
        if alert.is_snoozed:
            assert alert.snoozed_until  # a snoozed case has an end
            st.badge(
                tr(
                    "Snoozed until {snoozed_until}",
                    snoozed_until=words.short_moment(alert.snoozed_until, seen.shop.zone),
                ),
                color="gray",
            )
        case_forms.show_quick(alert, person)
    st.write(words.plain(translated(alert.sentence)))
    if alert.resolved_by:
        lines.show_refusal(alert)
        at = words.moment(alert.resolved_at, seen.shop.zone)
        st.caption(
            words.plain(
                tr(
                    "Resolved by {resolved_by}, {at}: {resolution}",
                    resolved_by=alert.resolved_by,
                    at=at,
                    resolution=alert.resolution or "",
                )
            )
        )


def _show_facts(seen: WholeAlert) -> None:
    alert, now = seen.alert, datetime.now(UTC)
    st.subheader(tr("About"), anchor=False)
    with st.container(gap=None, key="flush_alert"):
        if alert.order_id is not None:
            name = words.plain(alert.order_name or "")
            links.to_page(
                "orders", tr("Order {name}", name=name), icon=":material/receipt_long:", order=str(alert.order_id)
            )
        if alert.sku:
            links.to_page("stock", words.plain(alert.sku), icon=":material/inventory_2:", sku=alert.sku)
        if alert.kind is AlertKind.PROOF_FAILED:
            links.to_page("reconciliation", tr("Reconciliation"), icon=":material/verified:")
        for other in seen.others:
            label = words.joined(sales.KINDS[other.kind], other.size and tr("size {size}", size=other.size))
            links.to_page(
                "alerts",
                tr("Also: {label}", label=words.plain(label)),
                icon=":material/link:",
                alert=str(other.alert_id),
            )
    if alert.buyer:
        st.text(alert.buyer)
    if alert.email:
        st.text(alert.email)  # not Markdown, which would turn an email address into a link
    frame_tables.show_facts({
        tr("Assigned to"): alert.assigned_name or tr("nobody"),
        **_level_facts(seen),
        tr("Units"): words.units(alert.units) if alert.units else "",
        tr("Money"): selling.money(alert.money, alert.currency) if alert.money else "",
        tr("Since"): f"{words.moment(alert.first_at, seen.shop.zone)}, {words.ago(alert.first_at, now)}",
        tr("Last seen"): words.moment(alert.last_at, seen.shop.zone) if alert.seen > 1 else "",
        tr("Seen"): words.plural(alert.seen, "time"),
        tr("Retried"): words.plural(alert.attempts, "time") if alert.attempts else "" if seen.level else tr("not yet"),
        tr("Refund"): alert.stripe_refund_id or "",
        tr("Message"): selling.message(str(alert.facts.get("kind", ""))) if alert.event_id else "",
    })  # fmt: skip


def _level_facts(seen: WholeAlert) -> dict[str, str]:
    """Return the level now and when the case opened, and the movement that crossed the reorder point."""
    facts = seen.alert.facts
    if seen.level is None or "level" not in facts:
        return {}
    moved = facts.get("movement_type")
    by = (
        tr(
            "{units}, {movement_type} by {performed_by}",
            units=words.signed_units(facts["quantity"]),
            movement_type=inside(words.TYPE_LABELS[MovementType(moved)]),
            performed_by=facts["performed_by"],
        )
        if moved
        else ""
    )
    return {
        tr("On hand now"): words.units(seen.level.on_hand),
        tr("On hand then"): words.units(facts["level"]),
        tr("Reorder at"): words.units(seen.level.reorder_point),
        tr("Movement"): by or tr("none: the reorder point or the variant was changed"),
    }


def _show_history(seen: WholeAlert) -> None:
    st.subheader(tr("History"), anchor=False)
    for place, step in enumerate(seen.history):
        with st.container(gap=None, key=f"flush_history_{place}"):
            st.markdown(selling.event(step.what))
            said = f"{words.who(step.who)}, {words.moment(step.at, seen.shop.zone)}", selling.noted(step.who, step.note)
            st.caption(words.plain(words.joined(*said)))


def _show_deliveries(alert_id: int, zone: str) -> None:
    """Show the notifications of a case; nothing if there are none."""
    sent = session.run(deliveries.of_alert, alert_id=alert_id)
    if not sent:
        return
    with st.container(border=True, key="alr_told"):
        st.subheader(tr("Notifications"), anchor=False)
        for place, each in enumerate(sent):
            with st.container(gap=None, key=f"flush_told_{place}"):
                st.markdown(f"{words.plain(each.destination)}: {_delivery_state(each)}")
                at = words.moment(each.finished_at or each.due_at, zone)
                st.caption(
                    words.plain(
                        words.joined(at if each.finished_at else tr("next at {at}", at=at), translated(each.why))
                    )
                )


def _delivery_state(sent: Sent) -> str:
    return {
        "postponed": tr("postponed"),
        "sent": tr("sent"),
        "failed": tr(":red[delivery failed]"),
        "waiting": tr("waiting") if sent.why is None else tr(":orange[retrying]"),
    }[sent.state]
