"""Cases as the dashboard shows them: cause, units, money and age, the most urgent first.

What a case says and what is at stake in it is true now; its history has what was said before. core/alerts/lists.py
groups cases into the rows of the lists. core/alerts/handling.py acts on every case, core/orders/cases.py on those of an
order. Cases open and close in core/sql/40_alerts/1_cases.sql, and those about low levels in
core/migrations/versions/0028_waiting_cases.sql.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Row, Select, any_, distinct, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from core.database.engine import call, rows_of
from core.foundation import paging
from core.foundation.model import Actor
from core.foundation.paging import COUNTED_UP_TO, Count, Page
from core.foundation.sales import AlertKind, AlertState
from core.ledger.query import has_words, view
from core.people.access import Permission
from core.people.guard import require

STILL_OPEN = (AlertState.OPEN, AlertState.ACKNOWLEDGED)


class CaseList(StrEnum):
    """A list of cases. Failed: stock may differ from what was paid for. Decisions: stock is right, money is not."""

    FAILED = "failed"
    DECISIONS = "decisions"
    LEVELS = "levels"
    MACHINERY = "machinery"


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
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A case as it is now: its subject, the `units` paid for and not taken off the shelf, and the `money` at stake.

    `order_name` names the order for people. `lacks` says what its next step needs: see `stockroom_api.alert_rows`.
    """

    alert_id: int
    kind: AlertKind
    list: CaseList
    severity: str
    state: AlertState
    cause: str
    sentence: str
    facts: Mapping[str, Any]
    order_id: int | None
    order_number: str | None
    order_name: str | None
    payment_id: str | None
    buyer: str | None
    email: str | None
    refund_id: int | None
    stripe_refund_id: str | None
    variant_id: UUID | None
    sku: str | None
    product: str | None
    size: str | None
    on_hand: int | None
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
    lacks: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStep:
    """A step in the history of a case, by a person or by Stockroom."""

    at: datetime
    who: str
    what: Event
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """The filter of cases. `search` looks in sentence, cause, order, buyer, payment, refund, variant and assignee.

    `snoozed`: True for only snoozed cases, False for none of them, None for both.
    """

    search: str = ""
    states: tuple[AlertState, ...] = STILL_OPEN
    kinds: tuple[AlertKind, ...] = ()
    snoozed: bool | None = False
    assigned_to: int | None = None
    list: CaseList | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits for a person: open cases that are not snoozed, and refunds to decide.

    The lists are counted as they are shown: `failed_updates` and `decisions` by order, `levels` by product.
    """

    cases: int
    failed_updates: int
    decisions: int
    levels: int
    machinery: int
    refunds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """How many cases and `rows` of a list there are, and what is at stake: units, and money by currency.

    Money is in minor units. It is the sum of what each case has open, never netted.
    """

    cases: Count
    rows: int
    units: int
    money: Mapping[str, int]


_FIELDS = tuple(Alert.__dataclass_fields__)
_NAMES = ("sentence", "cause", "order_number", "buyer", "email", "payment_id", "stripe_refund_id", "sku", "product",
          "assigned_name")  # fmt: skip
KEYS = view("alert_keys", *_NAMES, "alert_id", "kind", "list", "state", "currency", "first_at", "is_snoozed",
            "assigned_to", "subject", "rank")  # fmt: skip
_ALERTS = view("alert_rows", *_FIELDS, "rank")
_STAKES = view("alert_stakes", "alert_id", "units", "money")
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
    keys = (KEYS.c.rank, KEYS.c.first_at, KEYS.c.alert_id)
    part = paging.read(connection, matching(filter), keys, cursor=cursor, limit=limit)
    found = rows(connection, [row.alert_id for row in part.rows])
    return part.of(found[row.alert_id] for row in part.rows if row.alert_id in found)


def rows(connection: Connection, alert_ids: Sequence[int]) -> dict[int, Alert]:
    """Return these cases by their ids."""
    found = connection.execute(
        select(_ALERTS).where(_ALERTS.c.alert_id == any_(literal(list(alert_ids), ARRAY(BigInteger))))
    )
    return {row.alert_id: _alert(row) for row in found}


def stake(connection: Connection, actor: Actor, *, filter: AlertFilter) -> Stake:  # noqa: A002
    """Return how many cases match and what is at stake in them, counting up to 10,000."""
    require(connection, actor, Permission.VIEW)
    bounded = matching(filter).limit(COUNTED_UP_TO + 1).subquery()
    sums = (
        func.count().label("cases"),
        func.count(distinct(bounded.c.subject)).label("rows"),
        func.sum(_STAKES.c.units).label("units"),
        func.sum(_STAKES.c.money).label("money"),
    )
    joined = bounded.join(_STAKES, _STAKES.c.alert_id == bounded.c.alert_id)
    query = select(bounded.c.currency, *sums).select_from(joined).group_by(bounded.c.currency)
    found = connection.execute(query).all()
    return Stake(
        cases=Count.of(sum(row.cases for row in found), COUNTED_UP_TO),
        rows=sum(row.rows for row in found),
        units=sum(int(row.units) for row in found),
        money={row.currency: int(row.money) for row in found if row.currency and row.money},
    )


def export(connection: Connection, actor: Actor, *, filter: AlertFilter) -> Iterator[Alert]:  # noqa: A002
    """Yield every case under the filter, in the order of the list."""
    longest = paging.LONGEST_PAGE
    pages = paging.walk(lambda cursor: page(connection, actor, filter=filter, cursor=cursor, limit=longest))
    return chain.from_iterable(pages)


def get(connection: Connection, actor: Actor, *, alert_id: int) -> Alert | None:
    """Return this case, or None."""
    require(connection, actor, Permission.VIEW)
    return rows(connection, [alert_id]).get(alert_id)


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
    fields = ", ".join(Waiting.__dataclass_fields__)
    found = call(connection, f"select {fields} from stockroom_api.waiting", {})  # noqa: S608 - nothing of a caller
    return rows_of(Waiting, found)[0]


def _alert(row: Row[Any]) -> Alert:
    values = {name: row._mapping[name] for name in _FIELDS}
    read = {"kind": AlertKind(row.kind), "list": CaseList(row.list), "state": AlertState(row.state)}
    return Alert(**values | read)


def matching(wanted: AlertFilter) -> Select[Any]:
    """Return the query for the keys of the cases under a filter."""
    query = select(KEYS)
    if wanted.states:
        query = query.where(KEYS.c.state.in_([state.value for state in wanted.states]))
    if wanted.list is not None:
        query = query.where(KEYS.c.list == wanted.list.value)
    if wanted.kinds:
        query = query.where(KEYS.c.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.snoozed is not None:
        query = query.where(KEYS.c.is_snoozed.is_(wanted.snoozed))
    if wanted.assigned_to is not None:
        query = query.where(KEYS.c.assigned_to == wanted.assigned_to)
    return query.where(*has_words(wanted.search, (KEYS.c[name] for name in _NAMES)))
