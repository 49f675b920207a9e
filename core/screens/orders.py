"""One read for each screen of selling: Orders, Refunds, Alerts. All that a page shows comes from one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.alerts import ageing, handling
from core.alerts import lists as case_lists
from core.alerts import reads as alerts
from core.alerts.ageing import Times
from core.alerts.handling import Hand
from core.alerts.lists import Around, CaseRow
from core.alerts.reads import Alert, AlertFilter, AlertStep, Stake, Waiting
from core.database.reading import read_only
from core.deliveries import reads as deliveries
from core.deliveries.reads import Expected
from core.foundation.model import Actor, LevelRow, Reason
from core.foundation.paging import Count, Page
from core.ledger import holds as reservations
from core.ledger import reports
from core.ledger.holds import Reservation
from core.orders import reads as order_reads
from core.orders import refund_reads
from core.orders import waiting as waits
from core.orders.filter import OrderFilter
from core.orders.reads import OrderLine, OrderRow, Step
from core.orders.refund_reads import Decided, Inspection, OpenRefund, RefundRow
from core.orders.waiting import Awaited
from core.screens.frame import Screen, head, page_at


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderList(Screen):
    """A page of orders. `stale`: the cursor was of another list."""

    waiting: Waiting
    page: Page[OrderRow]
    count: Count
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundList(Screen):
    """A page of the refunds to decide. `stale`: the cursor was of another list."""

    waiting: Waiting
    page: Page[OpenRefund]
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingList(Screen):
    """The lines that buyers wait for, and what deliveries still bring of their variants."""

    awaited: Awaited
    expected: Mapping[UUID, Expected]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeOrder(Screen):
    """One order with its lines, refunds, decisions, cases and holds, and everything that happened to it.

    `seen` says which decisions about its goods it has; `reasons` are those of movements.
    """

    order: OrderRow
    raw_cart: str | None
    lines: tuple[OrderLine, ...]
    refunds: tuple[RefundRow, ...]
    decided: tuple[Decided, ...]
    alerts: tuple[Alert, ...]
    holds: tuple[Reservation, ...]
    steps: tuple[Step, ...]
    seen: str
    reasons: tuple[Reason, ...]
    inspections: tuple[Inspection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertList(Screen):
    """A page of a list of cases, what is at stake under its filter, and the people a case can be assigned to.

    `around` counts the other lists, `times` says how long cases take. `stale`: the cursor was of another list.
    """

    page: Page[CaseRow]
    stake: Stake
    around: Around
    times: tuple[Times, ...]
    hands: tuple[Hand, ...]
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeAlert(Screen):
    """One case with its history and the people it can be assigned to, and its order lines or level as they are now.

    `others` are the other open cases of the same order or product.
    """

    alert: Alert
    others: tuple[Alert, ...]
    history: tuple[AlertStep, ...]
    hands: tuple[Hand, ...]
    lines: tuple[OrderLine, ...]
    level: LevelRow | None


@read_only
def orders(
    connection: Connection,
    actor: Actor,
    *,
    filter: OrderFilter,  # noqa: A002
    cursor: str | None,
    limit: int,
) -> OrderList:
    """Return a page of orders; a cursor of another list is ignored."""
    top = head(connection, actor)
    page, stale = page_at(lambda at: order_reads.page(connection, actor, filter=filter, cursor=at, limit=limit), cursor)
    waiting, count = alerts.waiting(connection, actor), order_reads.count(connection, actor, filter=filter)
    return OrderList(**top, waiting=waiting, page=page, count=count, stale=stale)


@read_only
def refunds(connection: Connection, actor: Actor, *, cursor: str | None, limit: int) -> RefundList:
    """Return a page of the refunds to decide; a cursor of another list is ignored."""
    top = head(connection, actor)
    page, stale = page_at(lambda at: refund_reads.inbox(connection, actor, cursor=at, limit=limit), cursor)
    return RefundList(**top, waiting=alerts.waiting(connection, actor), page=page, stale=stale)


@read_only
def waiting(connection: Connection, actor: Actor) -> WaitingList:
    """Return the lines that buyers wait for."""
    top, awaited = head(connection, actor), waits.awaited(connection, actor)
    due = deliveries.expected(connection, actor, variant_ids=[row.variant_id for row in awaited.missing])
    return WaitingList(**top, awaited=awaited, expected=due)


@read_only
def order(connection: Connection, actor: Actor, *, order_id: int) -> WholeOrder | None:
    """Return one order with everything about it, or None."""
    top = head(connection, actor)
    found = order_reads.rows(connection, actor, order_ids=[order_id])
    if not found:
        return None
    seen = refund_reads.seen_of(connection, actor, order_id=order_id)  # first, so that it never promises too much
    return WholeOrder(
        **top,
        order=found[0],
        raw_cart=order_reads.raw_cart(connection, actor, order_id=order_id),
        lines=order_reads.lines_of(connection, actor, order_ids=[order_id]),
        refunds=refund_reads.of_order(connection, actor, order_id=order_id),
        decided=refund_reads.decided_about(connection, actor, order_id=order_id),
        alerts=alerts.of_order(connection, actor, order_id=order_id),
        holds=reservations.of_order(connection, actor, order_id=order_id),
        steps=order_reads.steps(connection, actor, order_id=order_id),
        seen=seen,
        reasons=reports.reasons(connection, actor),
        inspections=refund_reads.inspections(connection, actor, order_id=order_id),
    )


@read_only
def cases(
    connection: Connection,
    actor: Actor,
    *,
    filter: AlertFilter,  # noqa: A002
    cursor: str | None,
    limit: int,
) -> AlertList:
    """Return a page of a list of cases; a cursor of another list is ignored."""
    top = head(connection, actor)
    page, stale = page_at(lambda at: case_lists.page(connection, actor, filter=filter, cursor=at, limit=limit), cursor)
    return AlertList(
        **top,
        page=page,
        stake=alerts.stake(connection, actor, filter=filter),
        around=case_lists.around(connection, actor, filter=filter),
        times=ageing.times(connection, actor),
        hands=handling.hands(connection, actor),
        stale=stale,
    )


@read_only
def case(connection: Connection, actor: Actor, *, alert_id: int) -> WholeAlert | None:
    """Return one case with its history, or None."""
    top = head(connection, actor)
    found = alerts.get(connection, actor, alert_id=alert_id)
    if found is None:
        return None
    order_ids = [found.order_id] if found.order_id is not None else []
    return WholeAlert(
        **top,
        alert=found,
        others=case_lists.others(connection, actor, alert=found),
        history=alerts.history(connection, actor, alert_id=alert_id),
        hands=handling.hands(connection, actor),
        lines=order_reads.lines_of(connection, actor, order_ids=order_ids),
        level=reports.level(connection, actor, variant_id=found.variant_id) if found.variant_id else None,
    )
