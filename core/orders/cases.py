"""Finishing the case of an order: retry it, map a code, choose a variant, ship what is there, read its cart again.

What can be done with every case is in core/alerts/handling.py. Rules and locks: core/sql/50_orders/2_taking.sql,
3_cases.sql. A retry is safe at any time, even twice at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.model import Actor
from core.foundation.sales import LineState
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import ASKER, asker

LONGEST_NOTE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A line of an order after a retry: units `taken` and `oversold`, and the cause if it is still open."""

    line_id: int
    state: LineState
    cause: str | None
    taken: int
    oversold: int


def retry_order(connection: Connection, actor: Actor, *, order_id: int, key: str) -> tuple[Retried, ...]:
    """Take the open lines of an order off the shelf if there is enough now; unknown codes are looked up again.

    Raises InvalidInput for an unknown order, KeyReused, Forbidden, SignInRequired.
    """
    return _retry(connection, actor, Permission.RETRY_ORDER, order_id, key, None)


def ship_what_is_there(
    connection: Connection, actor: Actor, *, order_id: int, key: str, note: str, buyer_waits: bool = False
) -> tuple[Retried, ...]:
    """Take the units that are there for the open lines; missing units become oversold. For managers, with a note.

    `buyer_waits`: the missing units are sent when they arrive.
    """
    said = clean(note, "note", LONGEST_NOTE)
    return _retry(connection, actor, Permission.FORCE_ORDER, order_id, key, said, buyer_waits)


def map_code(connection: Connection, actor: Actor, *, code: str, variant_id: UUID) -> tuple[int, ...]:
    """Map a code of a cart to a variant from now on, and return the orders that wait for it.

    Raises UnknownVariant, InvalidInput with the fact `variants` if the code could mean another variant, Forbidden,
    SignInRequired.
    """
    values = {"code": clean(code, "code", 200), "variant_id": variant_id}
    statement = f"select stockroom_api.map_code({ASKER}, %(code)s, %(variant_id)s)"
    return tuple(call(connection, statement, asker(actor, Permission.MAP_CODE) | values)[0][0])


def choose_variant(
    connection: Connection, actor: Actor, *, order_id: int, line_id: int, variant_id: UUID, key: str
) -> tuple[Retried, ...]:
    """Choose the variant of one open line of this order alone, without mapping its code, and try the line again.

    Raises UnknownVariant, InvalidInput if the line is not waiting for a variant, KeyReused, Forbidden, SignInRequired.
    """
    statement = f"""select line_id, state, cause, taken, oversold
                      from stockroom_api.choose_variant(%(key)s, {ASKER}, %(order_id)s, %(line_id)s, %(variant_id)s)"""  # noqa: S608 - nothing of a caller is in it
    values = {"key": clean(key, "key", 200), "order_id": order_id, "line_id": line_id, "variant_id": variant_id}
    return _retried(connection, statement, asker(actor, Permission.MAP_CODE) | values)


def retry_cart(connection: Connection, actor: Actor, *, order_id: int) -> int:
    """Have the worker process the messages of an order without a readable cart again; returns how many there are.

    Raises InvalidInput for an unknown order, Forbidden, SignInRequired.
    """
    values = asker(actor, Permission.RETRY_ORDER) | {"order_id": order_id}
    return int(call(connection, f"select stockroom_api.retry_cart({ASKER}, %(order_id)s)", values)[0][0])


def _retry(
    connection: Connection,
    actor: Actor,
    permission: Permission,
    order_id: int,
    key: str,
    note: str | None,
    buyer_waits: bool = False,
) -> tuple[Retried, ...]:
    statement = f"""select line_id, state, cause, taken, oversold
                      from stockroom_api.retry_order(%(key)s, {ASKER}, %(order_id)s, %(note)s,
                           %(buyer_waits)s)"""  # noqa: S608 - nothing of a caller is in it
    values = {"key": clean(key, "key", 200), "order_id": order_id, "note": note, "buyer_waits": buyer_waits}
    return _retried(connection, statement, asker(actor, permission) | values)


def _retried(connection: Connection, statement: str, values: dict[str, Any]) -> tuple[Retried, ...]:
    found = rows_of(Retried, call(connection, statement, values))
    return tuple(replace(line, state=LineState(line.state)) for line in found)
