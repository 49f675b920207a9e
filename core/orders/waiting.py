"""Buyers who wait for goods: what is missing of which order since when, and sending it when it has arrived.

Rules and locks: core/sql/55_cases/9_waiting.sql. Open lines wait, and oversold units of which a person says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from core.database.engine import array, call
from core.foundation.model import Actor, Posted, Posting
from core.foundation.text import clean
from core.ledger.query import view
from core.people.access import Permission
from core.people.guard import ASKER, asker, require

MOST_ROWS = 500
_SEND = f"select * from stockroom_api.send_waiting(%(key)s, {ASKER}, cast(%(orders)s as bigint[]))"  # noqa: S608 - nothing of a caller is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """A line that a buyer waits for, with the units that are missing.

    `ahead`: units of the same variant that buyers who paid earlier wait for. `is_here`: there is enough after them.
    `awaited_at`: the units are oversold, and since then a person says that the buyer waits; None: the line is open.
    """

    line_id: int
    order_id: int
    order_name: str
    buyer: str | None
    email: str | None
    paid_at: datetime
    variant_id: UUID
    sku: str
    product: str | None
    size: str | None
    units: int
    available: int
    ahead: int
    is_here: bool
    awaited_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Lines that buyers wait for: those whose units are here, and the others; the longest wait first.

    `total` counts all, also beyond the rows read.
    """

    here: tuple[WaitingLine, ...]
    missing: tuple[WaitingLine, ...]
    total: int


_WAITING = view("waiting_lines", *WaitingLine.__dataclass_fields__)


def awaited(connection: Connection, actor: Actor, *, order_id: int | None = None) -> Awaited:
    """Return what buyers wait for, of one order or of all; at most `MOST_ROWS` lines, those that are here first."""
    require(connection, actor, Permission.VIEW)
    oldest = (_WAITING.c.is_here.desc(), _WAITING.c.paid_at, _WAITING.c.order_id, _WAITING.c.line_id)
    wanted = select(_WAITING, func.count().over().label("total")).order_by(*oldest).limit(MOST_ROWS)
    if order_id is not None:
        wanted = wanted.where(_WAITING.c.order_id == order_id)
    rows = [dict(row._mapping) for row in connection.execute(wanted)]
    total = rows[0]["total"] if rows else 0
    lines = [WaitingLine(**{name: row[name] for name in WaitingLine.__dataclass_fields__}) for row in rows]
    here, missing = ([line for line in lines if line.is_here is wished] for wished in (True, False))
    return Awaited(here=tuple(here), missing=tuple(missing), total=int(total))


def arrived(connection: Connection, actor: Actor) -> int:
    """Return of how many orders all or some awaited lines are here now."""
    require(connection, actor, Permission.VIEW)
    wanted = select(func.count(_WAITING.c.order_id.distinct())).where(_WAITING.c.is_here)
    return int(connection.execute(wanted).scalar_one())


def send(connection: Connection, actor: Actor, *, order_ids: Sequence[int], key: str) -> tuple[Posted, ...]:
    """Take what buyers wait for of these orders off the shelf, as far as it is there, and return the movements.

    First paid, first served; a line gets all its units or stays as it is. Each order is an operation of its own. Raises
    KeyReused, InvalidInput, Forbidden, SignInRequired.
    """
    values = {"key": clean(key, "key", 150), "orders": array(order_ids)}
    rows = call(connection, _SEND, asker(actor, Permission.RETRY_ORDER) | values)
    return Posting.from_rows(rows).movements if rows else ()


def set_awaited(connection: Connection, actor: Actor, *, line_id: int, buyer_waits: bool) -> None:
    """Say whether the buyer waits for the oversold units of a line.

    Raises InvalidInput if the line has none, Forbidden, SignInRequired.
    """
    values = asker(actor, Permission.RESOLVE_ALERT) | {"line_id": line_id, "waits": buyer_waits}
    call(connection, f"select stockroom_api.set_awaited({ASKER}, %(line_id)s, %(waits)s)", values)
