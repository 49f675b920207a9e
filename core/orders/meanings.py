"""What a code of a cart means: one variant, several with quantities (a bundle), or no goods; and the orders it touched.

A meaning is given for good or for one line of an order. It can be changed or ended, and the orders whose lines stand on
it reopened. Rules and locks: core/sql/50_orders/0_meanings.sql and core/sql/55_cases.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from core.database.engine import call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.sales import LineState, MeaningKind
from core.foundation.text import clean
from core.ledger.query import has_words, view
from core.orders.cases import Retried
from core.people.access import Permission
from core.people.guard import ASKER, ask, asker, require

LONGEST_CODE = 200
MOST_PARTS = 50
MOST_ROWS = 200
"""Meanings that a list shows at most."""
MOST_REOPENED = 50
"""Orders that are reopened at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A variant of a bundle, and how many units of it are in one."""

    variant_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code means. `variant_id` belongs to the kind variant, `parts` to the kind bundle."""

    kind: MeaningKind
    variant_id: UUID | None = None
    parts: tuple[Part, ...] = ()

    def values(self) -> dict[str, Any]:
        """Return it as the SQL functions expect it. Raises InvalidInput for too many parts."""
        if len(self.parts) > MOST_PARTS:
            raise invalid("bundle", f"has more than {MOST_PARTS} variants. Nothing was changed")
        parts = [{"variant_id": str(part.variant_id), "quantity": part.quantity} for part in self.parts]
        return {"kind": self.kind.value, "variant_id": self.variant_id, "parts": json.dumps(parts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningRow:
    """A meaning that somebody gave, as a list shows it. `means` says it for people: a SKU, a bundle, "no goods".

    `order_id` to `currency`: it is of that order alone. `orders` counts those whose lines stand on it.
    """

    meaning_id: int
    code: str
    kind: MeaningKind
    means: str
    product: str | None
    size: str | None
    order_id: int | None
    number: str | None
    buyer: str | None
    amount: int | None
    currency: str | None
    added_by: str
    added_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A meaning in force, and the orders with an open line that waits for it."""

    meaning_id: int
    orders: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A line of a cart after its order was reopened. `kept`: why it stays on the meaning that ended, or None."""

    code: str
    state: LineState
    cause: str | None
    taken: int
    kept: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A line that reopening leaves on a meaning, and why; with what its order is called by."""

    order_id: int
    code: str
    kept: str
    number: str | None
    buyer: str | None
    amount: int
    currency: str


_ROWS = view("meaning_rows", *MeaningRow.__dataclass_fields__)
_TOUCHED = view("touched_lines", "meaning_id", "paid_at", *Kept.__dataclass_fields__)


def give(connection: Connection, actor: Actor, *, code: str, meaning: Meaning, seen: int | None) -> Given:
    """Give a code its meaning for good. `seen` is the meaning in force that the page showed, which then ends, or None.

    The same meaning again changes nothing. Raises UnknownVariant, InvalidInput if the code is a variant's own, if it
    could mean several, or if somebody else gave or ended its meaning meanwhile; Forbidden, SignInRequired.
    """
    values = {"code": clean(code, "code", LONGEST_CODE)} | meaning.values() | {"seen": seen}
    statement = f"""select meaning_id, orders from stockroom_api.give_meaning({ASKER}, %(code)s, %(kind)s,
                        cast(%(variant_id)s as uuid), cast(%(parts)s as jsonb), cast(%(seen)s as bigint))"""  # noqa: S608 - nothing of a caller is in it
    meaning_id, orders = call(connection, statement, asker(actor, Permission.MAP_CODE) | values)[0]
    return Given(meaning_id=meaning_id, orders=tuple(orders))


def choose(
    connection: Connection, actor: Actor, *, order_id: int, line_id: int, meaning: Meaning, key: str
) -> tuple[Retried, ...]:
    """Say what one open line of this order means, without a meaning of its code for other orders; try the line again.

    Raises UnknownVariant, InvalidInput if the line is not waiting for a variant, KeyReused, Forbidden, SignInRequired.
    """
    statement = f"""select line_id, state, cause, taken, oversold
                      from stockroom_api.choose_meaning(%(key)s, {ASKER}, %(order_id)s, %(line_id)s, %(kind)s,
                          cast(%(variant_id)s as uuid), cast(%(parts)s as jsonb))"""  # noqa: S608 - nothing of a caller is in it
    values = {"key": clean(key, "key", 200), "order_id": order_id, "line_id": line_id} | meaning.values()
    return rows_of(Retried, call(connection, statement, asker(actor, Permission.MAP_CODE) | values), state=LineState)


def end(connection: Connection, actor: Actor, *, meaning_id: int) -> None:
    """End a meaning: from now on lines with its code wait for a person. Lines that stand on it stay.

    Raises InvalidInput if it has ended already, Forbidden, SignInRequired.
    """
    ask(connection, actor, Permission.MAP_CODE, "end_meaning", meaning_id=meaning_id)


def reopen(connection: Connection, actor: Actor, *, order_id: int, meaning_id: int, key: str) -> tuple[Reopened, ...]:
    """Open the lines of an order again that stand on a meaning which has ended, and try them as their code means now.

    What was taken goes back as an undo. A line that came back, was decided about or was settled stays and is named.
    Raises InvalidInput while the meaning is in force, KeyReused, Forbidden, SignInRequired.
    """
    statement = f"""select code, state, cause, taken, kept
                      from stockroom_api.reopen_order(%(key)s, {ASKER}, %(order_id)s, %(meaning_id)s)"""  # noqa: S608 - nothing of a caller is in it
    values = {"key": clean(key, "key", 200), "order_id": order_id, "meaning_id": meaning_id}
    return rows_of(Reopened, call(connection, statement, asker(actor, Permission.MAP_CODE) | values), state=LineState)


def meanings(
    connection: Connection, actor: Actor, *, search: str = "", in_force: bool = True
) -> tuple[MeaningRow, ...]:
    """Return the meanings in force, or those that have ended, the latest first; at most `MOST_ROWS`.

    `search` looks for words in the code, what it means, its product and who gave it.
    """
    require(connection, actor, Permission.VIEW)
    rows = _ROWS.c
    state = rows.ended_at.is_(None) if in_force else rows.ended_at.is_not(None)
    words = has_words(search, (rows.code, rows.means, rows.product, rows.added_by))
    query = select(_ROWS).where(state, *words).order_by(rows.added_at.desc(), rows.meaning_id.desc()).limit(MOST_ROWS)
    return tuple(_row(row._mapping) for row in connection.execute(query))


def get(connection: Connection, actor: Actor, *, meaning_id: int) -> MeaningRow | None:
    """Return one meaning, in force or ended, or None."""
    require(connection, actor, Permission.VIEW)
    found = connection.execute(select(_ROWS).where(_ROWS.c.meaning_id == meaning_id)).one_or_none()
    return None if found is None else _row(found._mapping)


def in_force(connection: Connection, actor: Actor, *, codes: Sequence[str]) -> dict[str, MeaningRow]:
    """Return the meanings in force for every order of these codes, by code."""
    require(connection, actor, Permission.VIEW)
    rows = _ROWS.c
    query = select(_ROWS).where(rows.code.in_(list(codes)), rows.ended_at.is_(None), rows.order_id.is_(None))
    return {row.code: _row(row._mapping) for row in connection.execute(query)}


def _row(row: Any) -> MeaningRow:
    return MeaningRow(**dict(row) | {"kind": MeaningKind(row["kind"])})


def touched(connection: Connection, actor: Actor, *, meaning_id: int) -> tuple[int, ...]:
    """Return the orders with a line that stands on this meaning and can be reopened, the first paid first."""
    require(connection, actor, Permission.VIEW)
    query = (
        select(_TOUCHED.c.order_id)
        .where(_TOUCHED.c.meaning_id == meaning_id, _TOUCHED.c.kept.is_(None))
        .group_by(_TOUCHED.c.order_id, _TOUCHED.c.paid_at)
        .order_by(_TOUCHED.c.paid_at, _TOUCHED.c.order_id)
    )
    return tuple(connection.execute(query).scalars())


def kept(connection: Connection, actor: Actor, *, meaning_id: int, limit: int = 5) -> tuple[Kept, ...]:
    """Return the lines that reopening leaves on a meaning, of the first paid orders; at most `limit`."""
    require(connection, actor, Permission.VIEW)
    fields = [_TOUCHED.c[name] for name in Kept.__dataclass_fields__]
    query = select(*fields).where(_TOUCHED.c.meaning_id == meaning_id, _TOUCHED.c.kept.is_not(None))
    found = connection.execute(query.order_by(_TOUCHED.c.paid_at, _TOUCHED.c.order_id).limit(limit))
    return tuple(Kept(**row._mapping) for row in found)
