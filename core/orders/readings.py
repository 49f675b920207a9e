"""The possible readings of an order's cart, and choosing one: for this order, or for the shop.

Rules and locks: core/sql/55_cases/6_readings.sql. The first choice wins; a later one is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.carts import mapping as cart_mapping
from core.database.engine import call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.sales import LineState
from core.foundation.text import clean
from core.inbox import messages as inbox
from core.orders.cases import Retried
from core.people.access import Permission
from core.people.guard import ASKER, asker, require


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine:
    """A line that a reading would take. `sku` is None where no variant has its code."""

    code: str
    quantity: int
    name: str | None
    size: str | None
    unit_price: int | None
    sku: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReading:
    """A possible reading: `how` it was read from which `source`, what it comes to, and why it was not taken.

    `why` is None for one of several that fit. `raw` is the reading as it is stored, to be passed back.
    """

    how: str
    why: str | None
    source: str
    amount: int | None
    lines: tuple[ReadLine, ...]
    can_be_mapping: bool
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The readings of an order, and the shop's cart mapping as it is now, to be passed back."""

    readings: tuple[OrderReading, ...]
    mapping: Mapping[str, Any] | None


def choices(connection: Connection, actor: Actor, *, order_id: int) -> Choices:
    """Return the readings that a person can choose from; none for an order that has its lines."""
    require(connection, actor, Permission.VIEW)
    statement = "select readings from stockroom_api.order_readings where order_id = %(order_id)s"
    rows = call(connection, statement, {"order_id": order_id})
    link = inbox.link(connection, actor)
    return Choices(readings=tuple(map(_reading, rows[0][0] if rows else ())), mapping=link.cart_mapping)


def _reading(raw: Mapping[str, Any]) -> OrderReading:
    lines = [ReadLine(**{name: each[name] for name in ReadLine.__dataclass_fields__}) for each in raw["lines"]]
    return OrderReading(
        how=raw["how"],
        why=raw["why"],
        source=raw["source"],
        amount=raw["amount"],
        lines=tuple(lines),
        can_be_mapping=raw["mapping"] is not None,
        raw=raw,
    )


def take(
    connection: Connection, actor: Actor, *, order_id: int, reading: OrderReading, key: str
) -> tuple[Retried, ...]:
    """Make a reading the lines of this order and take them off the shelf, as far as there is enough.

    Raises InvalidInput if the order has its lines already or other readings now, KeyReused, Forbidden, SignInRequired.
    """
    statement = f"""select line_id, state, cause, taken, oversold
                      from stockroom_api.take_reading(%(key)s, {ASKER}, %(order_id)s, %(reading)s::jsonb)"""  # noqa: S608 - nothing of a caller is in it
    values = {"key": clean(key, "key", 200), "order_id": order_id, "reading": json.dumps(dict(reading.raw))}
    return rows_of(Retried, call(connection, statement, asker(actor, Permission.MAP_CODE) | values), state=LineState)


def always(
    connection: Connection, actor: Actor, *, order_id: int, reading: OrderReading, seen: Mapping[str, Any] | None
) -> int:
    """Make a reading the shop's cart mapping, and return how many waiting orders are read again with it.

    `seen` is the mapping that the page showed. Raises InvalidInput if it was changed since, if the order has its lines
    already or other readings now, or if the reading is no mapping; Forbidden, SignInRequired.
    """
    if not reading.can_be_mapping:
        raise invalid("reading", "cannot be a mapping; take these lines for this order only")
    cart_mapping.from_json(reading.raw["mapping"])
    values = asker(actor, Permission.MANAGE_STRIPE) | {
        "order_id": order_id,
        "reading": json.dumps(dict(reading.raw)),
        "seen": json.dumps(dict(seen)) if seen else None,
    }
    statement = f"select stockroom_api.always_read({ASKER}, %(order_id)s, %(reading)s::jsonb, %(seen)s::jsonb)"
    return int(call(connection, statement, values)[0][0])
