"""Reads of orders: the list under a filter, and one order with everything that happened to it.

Nothing here changes anything. Money is in minor units of its currency, as in Stripe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, text

from core.foundation import paging
from core.foundation.model import Actor
from core.foundation.paging import Count, Page
from core.foundation.sales import LineState, Policy
from core.ledger.query import view
from core.orders.filter import ORDERS, OrderFilter, matching
from core.people.access import Permission
from core.people.guard import require

MOST_STEPS = 300
COUNTED_UP_TO_FOUND = 1_000
"""The limit of a count with a search: for words that many orders have, order by order is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order with the sums of its lines in units, its refunds and open cases. `missing` units wait for a person."""

    order_id: int
    payment_id: str
    number: str | None
    title: str
    charge_id: str | None
    session_id: str | None
    email: str | None
    name: str | None
    amount: int
    currency: str
    paid_at: datetime
    livemode: bool
    policy: Policy
    cart_state: str
    cart_source: str | None
    difference: int | None
    tolerated: int | None
    tolerance: int | None
    dispute: str | None
    imported_at: datetime
    lines: int
    units: int
    taken: int
    oversold: int
    restored: int
    missing: int
    refunds: int
    refunded: int
    undecided: int
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A variant that the code of a line could mean."""

    variant_id: UUID
    sku: str
    size: str | None
    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A line of an order, in units, with its variant as it is now (None: no variant has its code).

    `missing` units wait for a person. `spoken_for` units were refunded and, by a person's decision, will not come back.
    `variants`: those that the code of an open line could mean, if there are several. `part_of`: the line of the bundle
    that this line is a part of. `exchange_of`: the line whose unit came back for this one. `awaited_at`: since when a
    person says that the buyer waits for its oversold units. `unit_worth`: what the buyer paid for one unit, less its
    share of a discount. `in_inspection` units came back and wait for a decision.
    """

    line_id: int
    order_id: int
    position: int
    code: str
    codes: tuple[str, ...]
    name: str | None
    unit_price: int | None
    quantity: int
    variant_id: UUID | None
    sku: str | None
    product: str | None
    size: str | None
    available: int | None
    state: LineState
    cause: str | None
    taken: int
    oversold: int
    restored: int
    missing: int
    spoken_for: int
    variants: tuple[Meant, ...] = ()
    part_of: int | None = None
    exchange_of: int | None = None
    awaited_at: datetime | None = None
    unit_worth: Decimal | None = None
    in_inspection: int = 0

    @property
    def has_units(self) -> bool:
        """Whether it stands for units: a bundle's units are those of its parts, and no goods has none."""
        return self.state not in (LineState.BUNDLE, LineState.NO_GOODS, LineState.REPLACED)

    @property
    def restorable(self) -> int:
        """Units that can still go back on the shelf: taken and not restored yet."""
        return self.taken - self.restored

    @property
    def undecided(self) -> int:
        """Units without a decision yet."""
        return max(self.taken - self.restored - self.spoken_for, 0)


class StepKind(StrEnum):
    """What happened at a step in the life of an order."""

    PAID = "paid"
    MESSAGE = "message"
    RECORDED = "recorded"
    MOVEMENT = "movement"
    REFUND = "refund"
    DECISION = "decision"
    TAKEN_BACK = "taken_back"
    CASE = "case"
    LINES = "lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An event in the life of an order. Its kind decides what the columns mean: core/sql/50_orders/6_reads.sql."""

    at: datetime
    kind: StepKind
    id: int
    who: str
    what: str | None
    state: str | None
    subject: str | None
    units: int | None
    amount: int | None
    note: str | None


_ROWS = view("order_rows", *OrderRow.__dataclass_fields__)
_RAW = view("order_rows", "order_id", "cart_raw")
_LINES = view("order_line_rows", *OrderLine.__dataclass_fields__, "place")
_STEPS = view("order_steps", *Step.__dataclass_fields__, "order_id", "place")
_CODES = text("select order_id, code from stockroom_api.order_codes(cast(:order_ids as bigint[]))")


def page(
    connection: Connection,
    actor: Actor,
    *,
    filter: OrderFilter = OrderFilter(),  # noqa: A002, B008 - the word of the page; frozen, so safe to share
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrderRow]:
    """Return a page of orders, the latest payment first. Raises InvalidInput for a cursor of another list."""
    require(connection, actor, Permission.VIEW)
    keys = (ORDERS.c.paid_at, ORDERS.c.order_id)
    wanted = matching(connection, filter)
    part = paging.read(connection, wanted, keys, cursor=cursor, limit=limit, newest_first=True)
    found = {row.order_id: row for row in rows(connection, actor, order_ids=[row.order_id for row in part.rows])}
    return part.of(found[row.order_id] for row in part.rows)


def rows(connection: Connection, actor: Actor, *, order_ids: Sequence[int]) -> tuple[OrderRow, ...]:
    """Return these orders, in no order; unknown ones are missing."""
    require(connection, actor, Permission.VIEW)
    if not order_ids:
        return ()
    return tuple(_row(row) for row in connection.execute(select(_ROWS).where(_ROWS.c.order_id.in_(order_ids))))


def _row(row: Row[Any]) -> OrderRow:
    return OrderRow(**dict(row._mapping) | {"policy": Policy(row.policy), "refunded": int(row.refunded)})


def count(connection: Connection, actor: Actor, *, filter: OrderFilter) -> Count:  # noqa: A002
    """Return how many orders match, counting up to 10,000, or up to 1,000 with a search."""
    require(connection, actor, Permission.VIEW)
    limit = COUNTED_UP_TO_FOUND if filter.search.strip() else paging.COUNTED_UP_TO
    return paging.count(connection, matching(connection, filter), limit)


def lines_of(connection: Connection, actor: Actor, *, order_ids: Sequence[int]) -> tuple[OrderLine, ...]:
    """Return the lines of these orders, sorted by order and position, the parts of a bundle after it."""
    require(connection, actor, Permission.VIEW)
    if not order_ids:
        return ()
    fields = [_LINES.c[name] for name in OrderLine.__dataclass_fields__]
    placed = (_LINES.c.order_id, _LINES.c.place, _LINES.c.position)
    wanted = select(*fields).where(_LINES.c.order_id.in_(order_ids)).order_by(*placed)
    return tuple(_line(row) for row in connection.execute(wanted))


def _line(row: Row[Any]) -> OrderLine:
    variants = tuple(Meant(**each | {"variant_id": UUID(each["variant_id"])}) for each in row.variants or ())
    read = {"state": LineState(row.state), "codes": tuple(row.codes), "variants": variants}
    return OrderLine(**dict(row._mapping) | read)


def codes(connection: Connection, actor: Actor, *, order_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Return the names of these orders for texts that leave the shop: none has a word of a buyer. None is no order."""
    require(connection, actor, Permission.VIEW)
    found = connection.execute(_CODES, {"order_ids": [known for known in order_ids if known is not None]})
    return {row.order_id: row.code for row in found}


def raw_cart(connection: Connection, actor: Actor, *, order_id: int) -> str | None:
    """Return the original text of a cart that could not be read, or None."""
    require(connection, actor, Permission.VIEW)
    found = connection.execute(select(_RAW.c.cart_raw).where(_RAW.c.order_id == order_id)).scalar()
    return str(found) if found else None


def steps(connection: Connection, actor: Actor, *, order_id: int) -> tuple[Step, ...]:
    """Return everything that happened to an order, oldest first; at most the latest `MOST_STEPS`."""
    require(connection, actor, Permission.VIEW)
    fields = [_STEPS.c[name] for name in Step.__dataclass_fields__]
    latest = (_STEPS.c.at.desc(), _STEPS.c.place.desc(), _STEPS.c.id.desc())
    query = select(*fields).where(_STEPS.c.order_id == order_id).order_by(*latest).limit(MOST_STEPS)
    found = [Step(**dict(row._mapping) | {"kind": StepKind(row.kind)}) for row in connection.execute(query)]
    return tuple(reversed(found))
