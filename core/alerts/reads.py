"""Cases as the dashboard lists them: cause, units, money and age, the most urgent first.

core/alerts/handling.py acts on every case, core/orders/cases.py on those of an order. Cases open and close in
core/sql/40_alerts/1_cases.sql, and those about low levels in core/migrations/versions/0014_stock_cases.sql.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, select

from core.database.engine import call, rows_of
from core.foundation import paging
from core.foundation.model import Actor
from core.foundation.paging import COUNTED_UP_TO, Count, Page
from core.foundation.sales import AlertKind, AlertState
from core.ledger.query import has_words, view
from core.people.access import Permission
from core.people.guard import require

STILL_OPEN = (AlertState.OPEN, AlertState.ACKNOWLEDGED)


class Event(StrEnum):
    """An entry in the history of a case."""

    OPENED = "opened"
    REPEATED = "repeated"
    WORSENED = "worsened"
    EASED = "eased"
    RETRIED = "retried"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A case: its cause, its subject, the `units` paid for and not taken off the shelf, and the `money` at stake."""

    alert_id: int
    kind: AlertKind
    severity: str
    state: AlertState
    cause: str
    sentence: str
    facts: Mapping[str, Any]
    order_id: int | None
    order_number: str | None
    payment_id: str | None
    email: str | None
    refund_id: int | None
    stripe_refund_id: str | None
    variant_id: UUID | None
    sku: str | None
    event_id: int | None
    units: int
    money: int
    currency: str | None
    seen: int
    attempts: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    assigned_to: int | None
    assigned_name: str | None
    snoozed_until: datetime | None
    is_snoozed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStep:
    """A step in the history of a case, by a person or by Stockroom."""

    at: datetime
    who: str
    what: Event
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """The filter of cases. `search` looks in sentence, cause, order, email, payment, refund, SKU and assignee.

    `snoozed`: True for only snoozed cases, False for none of them, None for both.
    """

    search: str = ""
    states: tuple[AlertState, ...] = STILL_OPEN
    kinds: tuple[AlertKind, ...] = ()
    snoozed: bool | None = False
    assigned_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits for a person: open cases that are not snoozed, and refunds to decide.

    `failed_updates` are the cases about stock that was not taken off the shelf, `levels` those about low stock.
    """

    cases: int
    failed_updates: int
    levels: int
    refunds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """How many cases there are and what is at stake: units, and money by currency in minor units."""

    cases: Count
    units: int
    money: Mapping[str, int]


_FIELDS = tuple(Alert.__dataclass_fields__)
_ALERTS = view("alert_rows", *_FIELDS, "rank")
_HISTORY = view("alert_history", "id", "alert_id", *AlertStep.__dataclass_fields__)


def page(
    connection: Connection,
    actor: Actor,
    *,
    filter: AlertFilter = AlertFilter(),  # noqa: A002 - the word of the page; frozen, so safe to share
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Alert]:
    """Return a page of cases: failed stock updates first, then the most severe, then the oldest.

    Raises InvalidInput for a cursor of another list.
    """
    require(connection, actor, Permission.VIEW)
    keys = (_ALERTS.c.rank, _ALERTS.c.first_at, _ALERTS.c.alert_id)
    part = paging.read(connection, _matching(filter), keys, cursor=cursor, limit=limit)
    return part.of(map(_alert, part.rows))


def stake(connection: Connection, actor: Actor, *, filter: AlertFilter) -> Stake:  # noqa: A002
    """Return how many cases match and what is at stake in them, counting up to 10,000."""
    require(connection, actor, Permission.VIEW)
    columns = (_ALERTS.c.currency, _ALERTS.c.units, _ALERTS.c.money)
    bounded = _matching(filter).with_only_columns(*columns).limit(COUNTED_UP_TO + 1).subquery()
    sums = (
        func.count().label("cases"),
        func.sum(bounded.c.units).label("units"),
        func.sum(bounded.c.money).label("money"),
    )
    rows = connection.execute(select(bounded.c.currency, *sums).group_by(bounded.c.currency)).all()
    return Stake(
        cases=Count.of(sum(row.cases for row in rows), COUNTED_UP_TO),
        units=sum(int(row.units) for row in rows),
        money={row.currency: int(row.money) for row in rows if row.currency and row.money},
    )


def export(connection: Connection, actor: Actor, *, filter: AlertFilter) -> Iterator[Alert]:  # noqa: A002
    """Yield every case under the filter, in the order of the list."""
    longest = paging.LONGEST_PAGE
    pages = paging.walk(lambda cursor: page(connection, actor, filter=filter, cursor=cursor, limit=longest))
    return chain.from_iterable(pages)


def get(connection: Connection, actor: Actor, *, alert_id: int) -> Alert | None:
    """Return this case, or None."""
    require(connection, actor, Permission.VIEW)
    row = connection.execute(select(_ALERTS).where(_ALERTS.c.alert_id == alert_id)).one_or_none()
    return None if row is None else _alert(row)


def of_order(connection: Connection, actor: Actor, *, order_id: int) -> tuple[Alert, ...]:
    """Return the cases of an order, open ones first."""
    require(connection, actor, Permission.VIEW)
    query = select(_ALERTS).where(_ALERTS.c.order_id == order_id)
    open_first = (_ALERTS.c.state == "resolved", _ALERTS.c.rank, _ALERTS.c.alert_id)
    return tuple(_alert(row) for row in connection.execute(query.order_by(*open_first)))


def history(connection: Connection, actor: Actor, *, alert_id: int) -> tuple[AlertStep, ...]:
    """Return what happened to a case, oldest first."""
    require(connection, actor, Permission.VIEW)
    query = select(_HISTORY).where(_HISTORY.c.alert_id == alert_id).order_by(_HISTORY.c.id)
    return tuple(
        AlertStep(at=row.at, who=row.who, what=Event(row.what), note=row.note) for row in connection.execute(query)
    )


def waiting(connection: Connection, actor: Actor) -> Waiting:
    """Return how much waits for a person, in one statement."""
    require(connection, actor, Permission.VIEW)
    found = call(connection, "select cases, failed_updates, levels, refunds from stockroom_api.waiting", {})
    return rows_of(Waiting, found)[0]


def _alert(row: Row[Any]) -> Alert:
    values = {name: row._mapping[name] for name in _FIELDS}
    return Alert(**values | {"kind": AlertKind(row.kind), "state": AlertState(row.state)})


def _matching(wanted: AlertFilter) -> Select[Any]:
    query = select(_ALERTS)
    if wanted.states:
        query = query.where(_ALERTS.c.state.in_([state.value for state in wanted.states]))
    if wanted.kinds:
        query = query.where(_ALERTS.c.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.snoozed is not None:
        query = query.where(_ALERTS.c.is_snoozed.is_(wanted.snoozed))
    if wanted.assigned_to is not None:
        query = query.where(_ALERTS.c.assigned_to == wanted.assigned_to)
    names = ("sentence", "cause", "order_number", "email", "payment_id", "stripe_refund_id", "sku", "assigned_name")
    return query.where(*has_words(wanted.search, (_ALERTS.c[name] for name in names)))
