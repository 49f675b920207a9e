"""Views of Orders and Alerts in a mail. It leaves the shop, so it names orders by number or amount, never by buyer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from core.alerts import lists as case_lists
from core.alerts import reads as alerts
from core.alerts.lists import CaseRow
from core.alerts.reads import STILL_OPEN, AlertFilter, CaseList
from core.carts.values import money
from core.foundation.model import Actor, Shop
from core.foundation.paging import Count
from core.foundation.sales import AlertKind, AlertState
from core.ledger import reports
from core.orders import reads as orders
from core.orders import refund_reads as refunds
from core.orders import waiting
from core.orders.filter import OrderFilter, OrderState
from core.orders.reads import OrderRow
from core.orders.refund_reads import OpenRefund
from core.orders.waiting import WaitingLine
from core.views.pages import chosen
from core.views.sections import MOST_ROWS, Section, asked_day, first, labelled, moment

STATES = {
    OrderState.ALL: "All",
    OrderState.OPEN: "Open",
    OrderState.UNREAD: "Cart not read",
    OrderState.REFUNDED: "Refunded",
    OrderState.REFUNDED_IN_PART: "Refunded in part",
    OrderState.DISPUTED: "Disputed",
}
"""The choices of Orders, as its address names them."""
REFUNDS, WAITING = "Refunds to decide", "Waiting for goods"
CASE_STATES: Mapping[str, tuple[AlertState, ...]] = {
    "Not resolved": STILL_OPEN,
    "Open": (AlertState.OPEN,),
    "Acknowledged": (AlertState.ACKNOWLEDGED,),
    "Mine": STILL_OPEN,
    "Snoozed": STILL_OPEN,
    "Resolved": (AlertState.RESOLVED,),
    "All": (),
}
"""The choices of Alerts, as its address names them."""
LISTS = {
    CaseList.FAILED: "Failed updates",
    CaseList.DECISIONS: "Decisions",
    CaseList.LEVELS: "Levels",
    CaseList.MACHINERY: "Machinery",
}
KINDS = {
    AlertKind.INSUFFICIENT_STOCK: "Not enough stock",
    AlertKind.UNKNOWN_VARIANT: "Unknown code",
    AlertKind.IMPORT_ERROR: "Message not read",
    AlertKind.REFUND_FAILED: "Refund failed",
    AlertKind.UNREADABLE_CART: "Cart not read",
    AlertKind.AMOUNT_MISMATCH: "Amount differs",
    AlertKind.DOUBLE_PAYMENT: "Double payment",
    AlertKind.DISPUTE: "Dispute",
    AlertKind.PROOF_FAILED: "Proof failed",
    AlertKind.OUT_OF_STOCK: "Out of stock",
    AlertKind.LOW_STOCK: "Low stock",
    AlertKind.JOB_STALLED: "Job stalled",
    AlertKind.BAD_SIGNATURE: "Bad signature",
    AlertKind.BACKUP_FAILED: "Backup failed",
    AlertKind.SLOWDOWN: "Slower than usual",
    AlertKind.SHARED_CODE: "Shared code",
    AlertKind.DATABASE_DIED: "Database died",
    AlertKind.WEBHOOK_OFF: "Webhook off",
    AlertKind.GUARD_STOPPED: "Stripe guard stopped",
}
WEEK = timedelta(days=6)
UNKNOWN_ORDER = "An unknown order"
"""A refund may come before its order."""


def order_section(
    connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]
) -> Section:
    """Return a view of Orders as a section of a mail: orders, refunds to decide, or lines that buyers wait for."""
    shop = reports.shop(connection, actor)
    shown = chosen(values, "ord_view")
    if shown == REFUNDS:
        return _refunds(connection, actor, title, path, shop)
    if shown == WAITING:
        return _waiting(connection, actor, title, path, shop)
    wanted = order_filter(values)
    found = orders.page(connection, actor, filter=wanted, limit=MOST_ROWS).rows
    total = orders.count(connection, actor, filter=wanted)
    codes = orders.codes(connection, actor, order_ids=[row.order_id for row in found])
    facts = {"Orders": total}
    if wanted.since is None and wanted.until is None:
        recent = replace(wanted, since=shop.today - WEEK)
        facts["Paid in the last 7 days"] = orders.count(connection, actor, filter=recent)
    if wanted.state is OrderState.ALL:
        facts["Open"] = orders.count(connection, actor, filter=replace(wanted, state=OrderState.OPEN))
    return Section(
        title=title,
        path=path,
        about=f"Orders, the latest payment first. {_about(wanted)}",
        facts=tuple((name, counted(count)) for name, count in facts.items()),
        columns=("Order", "Paid", "Amount", "Units", "Missing", "Refunded", "Cases"),
        rows=tuple(_order(row, codes[row.order_id], shop) for row in found),
        more=0 if total.at_least else max(total.count - len(found), 0),
    )


def order_filter(values: Mapping[str, list[str]]) -> OrderFilter:
    """Return the filter that the address of Orders names."""
    state = labelled(chosen(values, "ord_state"), {str(each): label for each, label in STATES.items()})
    return OrderFilter(
        search=chosen(values, "ord_q").strip(), state=OrderState(state) if state else OrderState.ALL,
        since=asked_day(chosen(values, "ord_from")), until=asked_day(chosen(values, "ord_to")),
    )  # fmt: skip


def counted(count: Count) -> str:
    """Return how many there are: 12; more than 10,000."""
    return f"{'more than ' if count.at_least else ''}{count.count:,}"


def _about(wanted: OrderFilter) -> str:
    parts = [
        f"search “{wanted.search}”" if wanted.search else "",
        f"state {STATES[wanted.state].lower()}" if wanted.state is not OrderState.ALL else "",
        f"paid from {wanted.since}" if wanted.since else "",
        f"to {wanted.until}" if wanted.until else "",
    ]
    said = ", ".join(filter(None, parts))
    return f"Filter: {said}." if said else "Every order."


def _order(row: OrderRow, code: str, shop: Shop) -> tuple[str, ...]:
    return (
        code, moment(row.paid_at, shop.zone),
        money(row.amount, row.currency), f"{row.units:,}", f"{row.missing:,}" if row.missing else "",
        money(row.refunded, row.currency) if row.refunded else "", f"{row.cases:,}" if row.cases else "",
    )  # fmt: skip


def _refunds(connection: Connection, actor: Actor, title: str, path: str, shop: Shop) -> Section:
    found = refunds.inbox(connection, actor, limit=MOST_ROWS).rows
    total = alerts.waiting(connection, actor).refunds
    codes = orders.codes(connection, actor, order_ids=[each.refund.order_id for each in found])
    return Section(
        title=title, path=path, about="Refunds to decide, the oldest first.", facts=(("Refunds", f"{total:,}"),),
        columns=("Order", "Refunded", "Amount", "Of", "Units undecided"),
        rows=tuple(_refund(each, codes, shop) for each in found), more=max(total - len(found), 0),
    )  # fmt: skip


def _refund(found: OpenRefund, codes: Mapping[int | None, str], shop: Shop) -> tuple[str, ...]:
    row = found.refund
    return (
        codes.get(row.order_id, UNKNOWN_ORDER),
        moment(row.refunded_at, shop.zone), money(row.amount, row.currency),
        "" if row.paid is None else money(row.paid, row.currency), f"{sum(line.undecided for line in found.lines):,}",
    )  # fmt: skip


def _waiting(connection: Connection, actor: Actor, title: str, path: str, shop: Shop) -> Section:
    found = waiting.awaited(connection, actor)
    lines = (*found.here, *found.missing)
    rows, more = first([_line(line, shop) for line in lines[:MOST_ROWS]], found.total)
    return Section(
        title=title, path=path, about="Lines that buyers wait for: those that are here first, then the longest wait.",
        facts=(("Lines", f"{found.total:,}"), ("Here now", f"{len(found.here):,}")),
        columns=("SKU", "Variant", "Units", "Waiting since", "Here"), rows=rows, more=more,
    )  # fmt: skip


def _line(line: WaitingLine, shop: Shop) -> tuple[str, ...]:
    named = ", ".join(filter(None, (line.product, line.size and f"size {line.size}")))
    return line.sku, named, f"{line.units:,}", moment(line.paid_at, shop.zone), "Yes" if line.is_here else "No"


# ---------------------------------------------------------------- cases


def case_section(
    connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]], user_id: int
) -> Section:
    """Return a view of Alerts as a section of a mail. `user_id`: whose cases are "Mine"."""
    shop = reports.shop(connection, actor)
    wanted = case_filter(values, user_id)
    found = case_lists.page(connection, actor, filter=wanted, limit=MOST_ROWS).rows
    codes = orders.codes(connection, actor, order_ids=[row.first.order_id for row in found])
    stake = alerts.stake(connection, actor, filter=wanted)
    sums = [("Money at stake", money(amount, currency)) for currency, amount in sorted(stake.money.items())]
    shown = LISTS[wanted.list] if wanted.list else "Every list"
    state = chosen(values, "alr_state") or "Not resolved"
    return Section(
        title=title,
        path=path,
        about=f"Alerts. {shown}, {state.lower()}, the most urgent first.",
        facts=(("Cases", counted(stake.cases)), ("Units at stake", f"{stake.units:,}"), *sums),
        columns=("Case", "About", "Since", "Units", "Money"),
        rows=tuple(_case(row, codes, shop) for row in found),
        more=max(stake.rows - len(found), 0),
    )


def case_filter(values: Mapping[str, list[str]], user_id: int) -> AlertFilter:
    """Return the filter that the address of Alerts names. Until a list is chosen, a filter looks in every list."""
    state = chosen(values, "alr_state")
    kinds = {str(kind): label for kind, label in KINDS.items()}
    named = [code for text in values.get("alr_kind", ()) if (code := labelled(text, kinds))]
    wanted = AlertFilter(
        search=chosen(values, "alr_q").strip(), states=CASE_STATES.get(state, STILL_OPEN),
        kinds=tuple(map(AlertKind, named)), snoozed={"Snoozed": True, "All": None}.get(state, False),
        assigned_to=user_id if state == "Mine" else None,
    )  # fmt: skip
    code = labelled(chosen(values, "alr_list"), {str(each): label for each, label in LISTS.items()})
    shown = CaseList(code) if code else CaseList.FAILED
    everywhere = shown is CaseList.FAILED and wanted != AlertFilter()
    return wanted if everywhere else replace(wanted, list=shown)


def _case(row: CaseRow, codes: Mapping[int | None, str], shop: Shop) -> tuple[str, ...]:
    case = row.first
    kinds = ", ".join(dict.fromkeys(KINDS[each.kind] for each in row.alerts))
    about = codes.get(case.order_id) or case.product or case.sku or (UNKNOWN_ORDER if case.payment_id else "")
    return (
        kinds, about, moment(row.first_at, shop.zone),
        f"{row.units:,}" if row.units else "", money(row.money, row.currency) if row.currency and row.money else "",
    )  # fmt: skip
