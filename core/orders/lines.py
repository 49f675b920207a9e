"""Lines by hand: entering the lines of an order whose cart was not read, and correcting lines that were read wrong.

Rules and locks: core/sql/55_cases/3_lines.sql. A correction is one operation: what was taken for a wrong line goes
back, what should have been taken goes out. It can be undone in one step while it is the latest change of the order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from core.carts.values import minor_digits
from core.database.engine import array, call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, MAX_UNITS, Actor
from core.foundation.text import clean
from core.ledger import reports
from core.ledger.level_filter import LevelFilter
from core.ledger.query import view
from core.people.access import Permission
from core.people.guard import ASKER, asker, require

MOST_LINES = 200
MOST_FOUND = 8
_MOST_MONEY = 10**12
_OUTCOME = "change_id, order_id, went, came_back, open_lines, difference"
_SET = f"""
    select {_OUTCOME} from stockroom_api.set_lines(
        %(key)s, {ASKER}, %(order_id)s, %(seen)s, %(lines)s::jsonb, %(extras)s, %(note)s)"""  # noqa: S608 - nothing of a caller is in it
_UNDO = f"select {_OUTCOME} from stockroom_api.undo_lines(%(key)s, {ASKER}, %(change_id)s)"  # noqa: S608 - nothing of a caller is in it
_PICKS = """
    select variant_id, sku, product, size, available, is_active, unit_price
      from stockroom_api.picks(%(ids)s::uuid[], %(currency)s, %(digits)s)"""
SEEN = view("order_sheets", "order_id", "seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A line as a person wants it. `line_id`: a line that the order has. Its `variant_id` may stay None if unknown."""

    quantity: int
    variant_id: UUID | None = None
    unit_price: int | None = None
    line_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a change of lines did: units off the shelf and back on it, and the lines that are open now.

    `difference`: the amount paid less the lines, shipping and tax; None if a price is unknown.
    """

    change_id: int
    order_id: int
    went: int
    came_back: int
    open_lines: int
    difference: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """A change of an order's lines by a person, before and after it in words. `is_latest`: it can be undone."""

    change_id: int
    order_id: int
    changed_by: str
    changed_at: datetime
    note: str | None
    before: str | None
    after: str | None
    is_latest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A variant to choose for a line. `unit_price` is the catalogue's, in minor units; None if it is not known."""

    variant_id: UUID
    sku: str
    product: str
    size: str | None
    available: int
    is_active: bool
    unit_price: int | None


_CHANGES = view("line_changes", *LineChange.__dataclass_fields__)


def set_lines(
    connection: Connection,
    actor: Actor,
    *,
    order_id: int,
    seen: str,
    lines: Sequence[Entered],
    key: str,
    extras: int | None = None,
    note: str | None = None,
) -> Changed:
    """Make `lines` the lines of an order, and take what is there off the shelf.

    `seen` is the digest of the lines that the page showed. `extras` are shipping and tax less discounts. Raises
    UnknownVariant, KeyReused, InvalidInput (the lines have changed since, fewer units than were put back, a difference
    without a note), Forbidden, SignInRequired; then nothing was changed.
    """
    if not 1 <= len(lines) <= MOST_LINES:
        raise invalid("lines", f"must be 1 to {MOST_LINES}", count=len(lines))
    values = {
        "key": clean(key, "key", 200),
        "order_id": order_id,
        "seen": seen,
        "lines": json.dumps([_row(line, n) for n, line in enumerate(lines, 1)]),
        "extras": None if extras is None else _whole(extras, "shipping", -_MOST_MONEY, _MOST_MONEY),
        "note": clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
    }
    return _changed(connection, _SET, asker(actor, Permission.SET_LINES) | values)


def undo_lines(connection: Connection, actor: Actor, *, change_id: int, key: str) -> Changed:
    """Bring an order back to what it was before its latest change: its cart, its lines, its case.

    Lines that the change left out are taken again as far as there is enough. Raises InvalidInput (a later change,
    units put back after a refund), KeyReused, Forbidden, SignInRequired.
    """
    values = {"key": clean(key, "key", 200), "change_id": change_id}
    return _changed(connection, _UNDO, asker(actor, Permission.SET_LINES) | values)


def seen(connection: Connection, actor: Actor, *, order_id: int) -> str:
    """Return the digest of an order's lines as they are now. Raises InvalidInput for an unknown order."""
    require(connection, actor, Permission.VIEW)
    found = connection.execute(select(SEEN.c.seen).where(SEEN.c.order_id == order_id)).scalar()
    if found is None:
        raise invalid("order", "is not known")
    return str(found)


def changes(connection: Connection, actor: Actor, *, order_id: int) -> tuple[LineChange, ...]:
    """Return the changes of an order's lines by people, newest first."""
    require(connection, actor, Permission.VIEW)
    query = select(_CHANGES).where(_CHANGES.c.order_id == order_id).order_by(_CHANGES.c.change_id.desc()).limit(50)
    return tuple(LineChange(**row._mapping) for row in connection.execute(query))


def find(connection: Connection, actor: Actor, *, text: str, currency: str) -> tuple[Pick, ...]:
    """Return the variants that a person can mean, best first; one if `text` is a code of it and of no other.

    Otherwise SKU, barcode, product, brand, size and color are searched for all words of the text.
    """
    exact = reports.find(connection, actor, code=text)
    if exact is not None:
        return picks(connection, actor, ids=[exact.variant_id], currency=currency)
    found = reports.levels(connection, actor, filter=LevelFilter(search=text.strip()[:200]), limit=MOST_FOUND).rows
    return picks(connection, actor, ids=[row.variant_id for row in found], currency=currency)


def picks(connection: Connection, actor: Actor, *, ids: Sequence[UUID], currency: str) -> tuple[Pick, ...]:
    """Return these variants with the catalogue's price in minor units of `currency`, in this order."""
    require(connection, actor, Permission.VIEW)
    values = {"ids": array(ids), "currency": currency, "digits": minor_digits(currency)}
    return rows_of(Pick, call(connection, _PICKS, values))


def _changed(connection: Connection, statement: str, values: dict[str, Any]) -> Changed:
    return rows_of(Changed, call(connection, statement, values), went=int, came_back=int)[0]


def _row(line: Entered, n: int) -> dict[str, Any]:
    if line.variant_id is None and line.line_id is None:
        raise invalid("lines", "need a variant each", line=n)
    if line.variant_id is not None and not isinstance(line.variant_id, UUID):
        raise invalid("variant", "is not a variant's id", line=n)
    price = line.unit_price
    return {
        "line_id": line.line_id,
        "variant_id": None if line.variant_id is None else str(line.variant_id),
        "quantity": _whole(line.quantity, "quantity", 1, MAX_UNITS, line=n),
        "unit_price": None if price is None else _whole(price, "price", 0, _MOST_MONEY, line=n),
    }


def _whole(value: Any, field: str, lowest: int, highest: int, **facts: Any) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise invalid(field, f"must be a whole number from {lowest:,} to {highest:,}", **facts)
    return value
