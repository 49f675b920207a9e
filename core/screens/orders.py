"""One read for each screen of selling: what a page shows comes from one transaction, as in core/screens/stock.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from core.alerts import handling
from core.alerts import reads as alerts
from core.alerts.handling import Hand
from core.alerts.reads import Alert, AlertFilter, AlertPage, AlertStep, Stake, Waiting
from core.foundation.errors import InvalidInput
from core.foundation.model import Actor, LevelRow, Shop
from core.ledger import holds as reservations
from core.ledger import reports
from core.ledger.holds import Reservation
from core.ledger.movements import Count
from core.orders import reads as order_reads
from core.orders import refund_reads
from core.orders.filter import OrderFilter
from core.orders.reads import OrderLine, OrderPage, OrderRow, Step
from core.orders.refund_reads import Decided, RefundPage, RefundRow

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderList:
    """A page of orders. `stale`: the cursor was of another list."""

    latest: int
    shop: Shop
    waiting: Waiting
    page: OrderPage
    count: Count
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundList:
    """A page of the refunds to decide."""

    latest: int
    shop: Shop
    waiting: Waiting
    page: RefundPage
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeOrder:
    """One order end to end: its lines, refunds and what was said of them, its cases, and everything that happened."""

    latest: int
    shop: Shop
    order: OrderRow
    raw_cart: str | None
    lines: tuple[OrderLine, ...]
    refunds: tuple[RefundRow, ...]
    decided: tuple[Decided, ...]
    alerts: tuple[Alert, ...]
    holds: tuple[Reservation, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertList:
    """A page of cases, what is at stake under its filter, and who may be given one.

    `stale`: the cursor was of another list.
    """

    latest: int
    shop: Shop
    page: AlertPage
    stake: Stake
    hands: tuple[Hand, ...]
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeAlert:
    """One case with its history, who may be given it, and what it is about as that is now: lines, a level."""

    latest: int
    shop: Shop
    alert: Alert
    history: tuple[AlertStep, ...]
    hands: tuple[Hand, ...]
    lines: tuple[OrderLine, ...]
    level: LevelRow | None


def orders(
    connection: Connection,
    actor: Actor,
    *,
    filter: OrderFilter,  # noqa: A002
    cursor: str | None,
    limit: int,
) -> OrderList:
    """Return a page of orders; a cursor of another list is ignored."""
    latest = reports.latest_movement(connection, actor)
    page, stale = _page(lambda at: order_reads.page(connection, actor, filter=filter, cursor=at, limit=limit), cursor)
    return OrderList(
        latest=latest,
        shop=reports.shop(connection, actor),
        waiting=alerts.waiting(connection, actor),
        page=page,
        count=order_reads.count(connection, actor, filter=filter),
        stale=stale,
    )


def refunds(connection: Connection, actor: Actor, *, cursor: str | None, limit: int) -> RefundList:
    """Return a page of the refunds to decide; a cursor of another list is ignored."""
    latest = reports.latest_movement(connection, actor)
    page, stale = _page(lambda at: refund_reads.inbox(connection, actor, cursor=at, limit=limit), cursor)
    return RefundList(
        latest=latest,
        shop=reports.shop(connection, actor),
        waiting=alerts.waiting(connection, actor),
        page=page,
        stale=stale,
    )


def order(connection: Connection, actor: Actor, *, order_id: int) -> WholeOrder | None:
    """Return one order end to end, or None."""
    latest = reports.latest_movement(connection, actor)
    found = order_reads.rows(connection, actor, order_ids=[order_id])
    if not found:
        return None
    repaid = refund_reads.of_order(connection, actor, order_id=order_id)
    return WholeOrder(
        latest=latest,
        shop=reports.shop(connection, actor),
        order=found[0],
        raw_cart=order_reads.raw_cart(connection, actor, order_id=order_id),
        lines=order_reads.lines_of(connection, actor, order_ids=[order_id]),
        refunds=repaid,
        decided=refund_reads.decided_of(connection, actor, ids=[row.id for row in repaid]),
        alerts=alerts.of_order(connection, actor, order_id=order_id),
        holds=reservations.of_order(connection, actor, order_id=order_id),
        steps=order_reads.steps(connection, actor, order_id=order_id),
    )


def cases(
    connection: Connection,
    actor: Actor,
    *,
    filter: AlertFilter,  # noqa: A002
    cursor: str | None,
    limit: int,
) -> AlertList:
    """Return a page of cases; a cursor of another list is ignored."""
    latest = reports.latest_movement(connection, actor)
    page, stale = _page(lambda at: alerts.page(connection, actor, filter=filter, cursor=at, limit=limit), cursor)
    return AlertList(
        latest=latest,
        shop=reports.shop(connection, actor),
        page=page,
        stake=alerts.stake(connection, actor, filter=filter),
        hands=handling.hands(connection, actor),
        stale=stale,
    )


def case(connection: Connection, actor: Actor, *, alert_id: int) -> WholeAlert | None:
    """Return one case with its history, or None."""
    latest = reports.latest_movement(connection, actor)
    found = alerts.get(connection, actor, alert_id=alert_id)
    if found is None:
        return None
    order_ids = [found.order_id] if found.order_id is not None else []
    return WholeAlert(
        latest=latest,
        shop=reports.shop(connection, actor),
        alert=found,
        history=alerts.history(connection, actor, alert_id=alert_id),
        hands=handling.hands(connection, actor),
        lines=order_reads.lines_of(connection, actor, order_ids=order_ids),
        level=reports.level(connection, actor, variant_id=found.variant_id) if found.variant_id else None,
    )


def _page(read: Callable[[str | None], _T], cursor: str | None) -> tuple[_T, bool]:
    try:
        return read(cursor), False
    except InvalidInput:
        return read(None), True
