"""The payment-to-shelf proof by day: every unit paid for left the shelf or has a named reason; each number has a list.

paid = off the shelf (sold - put back) + put back for buyers + waiting + oversold + recorded only + unexplained.
In a healthy shop, unexplained is 0. Rules: core/sql/60_proof/5_shelf.sql. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.database.reading import read_only
from core.foundation.csv_file import as_csv
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.query import starts
from core.people.access import Permission
from core.people.guard import require


class Number(StrEnum):
    """A number of the proof, in the order of its columns. The first three count orders and payments, the rest units."""

    ORDERS = "orders"
    UNREAD = "unread"
    INBOX = "inbox"
    PAID = "paid"
    SOLD = "sold"
    PUT_BACK = "put_back"
    NET = "net"
    AFTER_REFUND = "after_refund"
    WAITING = "waiting"
    OVERSOLD = "oversold"
    RECORDED_ONLY = "recorded_only"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfDay:
    """The units paid on a day (None: on all days) and what became of them.

    `unread` orders have unknown units, and `inbox` payments are not orders yet. `open_lines` counts the lines that do
    not add up: two opposite errors would make `unexplained` alone 0.
    """

    day: date | None = None
    orders: int = 0
    unread: int = 0
    inbox: int = 0
    paid: int = 0
    sold: int = 0
    put_back: int = 0
    net: int = 0
    after_refund: int = 0
    waiting: int = 0
    oversold: int = 0
    recorded_only: int = 0
    unexplained: int = 0
    open_lines: int = 0

    @property
    def holds(self) -> bool:
        """Whether every unit paid for is off the shelf or has a named reason."""
        return self.open_lines == 0 and self.unexplained == 0

    def of(self, number: Number) -> int:
        """Return one of the numbers."""
        value: int = getattr(self, number.value)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfItem:
    """An item of the list behind a number: an order, payment, line or movement, with the units it counts for.

    `title` names its order for people; it is None for a payment that is no order yet.
    """

    paid_at: datetime
    order_id: int | None
    payment_id: str
    title: str | None
    code: str | None
    sku: str | None
    movement_id: int | None
    alert_id: int | None
    units: int


_ITEMS = """
    select paid_at, order_id, payment_id, n.name, code, sku, movement_id, alert_id, units
      from stockroom_api.shelf_items
      left join stockroom_api.order_names n using (order_id)
     where what = %(what)s and paid_at >= %(since)s and paid_at < %(until)s
     order by paid_at desc, payment_id, position, movement_id
     limit %(limit)s offset %(offset)s"""


@read_only
def days(connection: Connection, actor: Actor, *, since: date, until: date) -> tuple[ShelfDay, ...]:
    """Return the proof of each day with a payment, newest first, for `since` <= day < `until`.

    Raises InvalidInput for a range longer than `reports.LONGEST_RANGE` days.
    """
    require(connection, actor, Permission.VIEW)
    moments = _moments(connection, since, until)
    rows = call(connection, "select * from stockroom_api.shelf_days(%(since)s, %(until)s)", moments)
    return rows_of(ShelfDay, rows)


def total(found: Iterable[ShelfDay]) -> ShelfDay:
    """Return the sums of these days."""
    names = [field.name for field in fields(ShelfDay) if field.name != "day"]
    rows = tuple(found)
    return ShelfDay(**{name: sum(getattr(row, name) for row in rows) for name in names})


@read_only
def behind(
    connection: Connection,
    actor: Actor,
    *,
    number: Number,
    since: date,
    until: date,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[ShelfItem, ...]:
    """Return the list behind a number of these days, the latest payment first; its units add up to the number."""
    require(connection, actor, Permission.VIEW)
    values = _moments(connection, since, until)
    rows = call(connection, _ITEMS, values | {"what": number.value, "limit": limit, "offset": max(offset, 0)})
    return rows_of(ShelfItem, rows)


@read_only
def days_csv(connection: Connection, actor: Actor, *, since: date, until: date) -> bytes:
    """Return the proof by day as CSV, with a last row for all of them."""
    found = days(connection, actor, since=since, until=until)
    rows = ([row.day or "total", *(row.of(number) for number in Number)] for row in (*found, total(found)))
    return as_csv(["day", *Number], rows)


def _moments(connection: Connection, since: date, until: date) -> dict[str, Any]:
    if (until - since).days > reports.LONGEST_RANGE:
        raise invalid("days", f"must be at most {reports.LONGEST_RANGE}")
    first, end = starts(connection, since, until)
    return {"since": first, "until": end}
