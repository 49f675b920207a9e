"""Reads of the ledger: filters, pages by key and the export of a filter. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, TableClause, func, or_, select, text, tuple_

from core.database.reading import read_only
from core.foundation import paging
from core.foundation.model import Actor, Movement, MovementType
from core.foundation.paging import COUNTED_UP_TO, Count, Page
from core.ledger.level_filter import meant
from core.ledger.query import on_days, view
from core.people.access import Permission
from core.people.guard import require

COUNTED_UP_TO_NARROWED = 1_000
"""The limit of a count with several conditions. No index covers them together, so every row has to be read."""
_movements = view("movements", *Movement.__dataclass_fields__)
_KEYS = (
    "movement_id", "variant_id", "variant_sequence", "movement_type", "reason", "quantity", "reference_type",
    "reference_id", "performed_by", "occurred_at",
)  # fmt: skip
KEYS = view("movement_keys", *_KEYS)
"""The columns by which the ledger is filtered, counted and summed."""
_WORTH = text("select id, stockroom_api.worth(id) as value_change from unnest(cast(:movements as bigint[])) id")
_REASONS_OF_TYPES = text(
    "select distinct reason from stockroom_api.reasons where movement_type = any(:types) and reason = any(:reasons)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """The filter of the ledger. `since` and `until` are days of the shop, both included; `reference` is a prefix.

    `search` is a product or a brand, or words of names and codes. `source` is the type of the reference; it and `brand`
    may be empty, for movements without one. `kinds` are reasons, each of one type.
    """

    types: tuple[MovementType, ...] = ()
    reasons: tuple[str, ...] = ()
    kinds: tuple[tuple[MovementType, str], ...] = ()
    variant_id: UUID | None = None
    search: str = ""
    brand: str | None = None
    source: str | None = None
    performed_by: str | None = None
    reference: str = ""
    since: date | None = None
    until: date | None = None


def page(
    connection: Connection,
    actor: Actor,
    *,
    filter: MovementFilter = MovementFilter(),  # noqa: A002 - the word of the page; frozen, so safe to share
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Movement]:
    """Return a page of the ledger, newest first, starting at `cursor`.

    The movements of one variant are in the order of its sequence, all others in the order of their moments. Raises
    InvalidInput for a cursor of another list.
    """
    require(connection, actor, Permission.VIEW)
    query = _matching(connection, filter, _movements)
    if filter.variant_id is not None and filter.types:
        among = _matching(connection, filter, KEYS)
        found = paging.cut(among, _keys(filter, KEYS.c), cursor=cursor, limit=limit, newest_first=True)
        query = query.where(_movements.c.variant_sequence.in_(found.with_only_columns(KEYS.c.variant_sequence)))
    keys = _keys(filter, _movements.c)
    part = paging.read(connection, query, keys, cursor=cursor, limit=limit, newest_first=True)
    return part.of(map(_movement, part.rows))


def count(connection: Connection, actor: Actor, *, filter: MovementFilter) -> Count:  # noqa: A002
    """Return how many movements match, counting up to 10,000, or up to 1,000 with several conditions."""
    require(connection, actor, Permission.VIEW)
    narrow = (filter.types, filter.reasons, filter.kinds, filter.source is not None, filter.performed_by)
    conditions = (*narrow, filter.variant_id or of_variants(filter), filter.reference.strip())
    limit = COUNTED_UP_TO_NARROWED if sum(map(bool, conditions)) > 1 else COUNTED_UP_TO
    return paging.count(connection, _matching(connection, filter, KEYS), limit)


def export(connection: Connection, actor: Actor, *, filter: MovementFilter) -> Iterator[tuple[Movement, ...]]:  # noqa: A002
    """Yield every movement under a filter, newest first, in chunks."""
    longest = paging.LONGEST_PAGE
    return paging.walk(lambda cursor: page(connection, actor, filter=filter, cursor=cursor, limit=longest))


@read_only
def get(connection: Connection, actor: Actor, *, movement_ids: tuple[int, ...]) -> tuple[Movement, ...]:
    """Return these movements, newest first; unknown ones are missing."""
    require(connection, actor, Permission.VIEW)
    query = select(_movements).where(_movements.c.movement_id == func.any(list(movement_ids)))
    return tuple(_movement(row) for row in connection.execute(query.order_by(_movements.c.movement_id.desc())))


def worth(connection: Connection, actor: Actor, *, movement_ids: Sequence[int]) -> dict[int, Decimal | None]:
    """Return what movements added to the value of the shelf at cost; None where no cost is known."""
    require(connection, actor, Permission.SEE_MONEY)
    rows = connection.execute(_WORTH, {"movements": list(movement_ids)})
    return {row.id: row.value_change for row in rows}


def people(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return the names of all who ever moved something."""
    require(connection, actor, Permission.VIEW)
    return tuple(connection.execute(text("select performed_by from stockroom_api.people()")).scalars())


def _movement(row: Row[Any]) -> Movement:
    return Movement(**{**row._mapping, "movement_type": MovementType(row.movement_type)})


def _matching(connection: Connection, wanted: MovementFilter, source: TableClause) -> Select[Any]:
    return select(source).where(*conditions(connection, wanted, source.c))


def of_variants(wanted: MovementFilter) -> bool:
    """Return whether a filter names a brand, a product or words, so that it is one of several variants."""
    return wanted.brand is not None or bool(wanted.search.strip())


def conditions(connection: Connection, wanted: MovementFilter, rows: Any) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter over these columns of movements."""
    found = [*of_variant(connection, wanted, rows), *of_movement(connection, wanted, rows, rows.reference_type)]
    if wanted.reference.strip():
        # As written and in capitals: people type ord-17 for ORD-17. Both forms use the index; lower() would not.
        given = wanted.reference.strip()[:200]
        forms = dict.fromkeys((given, given.upper()))
        found.append(or_(*(rows.reference_id.startswith(form, autoescape=True) for form in forms)))
    found.extend(on_days(connection, rows.occurred_at, wanted.since, wanted.until))
    return found


def meant_variants(connection: Connection, wanted: MovementFilter) -> int | None:
    """Return how many variants the brand and the search of a filter mean; None: it has neither."""
    if not of_variants(wanted):
        return None
    among = meant(wanted.search, wanted.brand).subquery()
    return int(connection.execute(select(func.count()).select_from(among)).scalar_one())


def of_variant(connection: Connection, wanted: MovementFilter, rows: Any) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter that are about variants, over a column `variant_id`."""
    found: list[ColumnElement[bool]] = []
    if wanted.variant_id is not None:
        found.append(rows.variant_id == wanted.variant_id)
    if of_variants(wanted):
        among = connection.execute(meant(wanted.search, wanted.brand)).scalars()
        found.append(rows.variant_id == func.any(list(among)))
    return found


def ids(connection: Connection, wanted: MovementFilter) -> list[UUID] | None:
    """Return the variants that a filter means; None: all."""
    if wanted.variant_id is not None:
        return [wanted.variant_id]
    return list(connection.execute(meant(wanted.search, wanted.brand)).scalars()) if of_variants(wanted) else None


def of_movement(connection: Connection, wanted: MovementFilter, rows: Any, source: Any) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter about type, reason, person and source, over these columns."""
    found: list[ColumnElement[bool]] = []
    if wanted.types:
        found.append(rows.movement_type.in_([kind.value for kind in wanted.types]))
    if wanted.reasons:
        found.append(rows.reason.in_(_possible_reasons(connection, wanted)))
    if wanted.kinds:
        found.append(tuple_(rows.movement_type, rows.reason).in_([(kind.value, why) for kind, why in wanted.kinds]))
    if wanted.performed_by:
        found.append(rows.performed_by == wanted.performed_by)
    if wanted.source is not None:
        found.append(func.coalesce(source, "") == wanted.source)
    return found


def _possible_reasons(connection: Connection, wanted: MovementFilter) -> list[str]:
    """Return the wanted reasons of the wanted types. No row is both a sale and a delivery, so none is searched for."""
    if not wanted.types:
        return list(wanted.reasons)
    values = {"types": [kind.value for kind in wanted.types], "reasons": list(wanted.reasons)}
    return list(connection.execute(_REASONS_OF_TYPES, values).scalars())


def _keys(wanted: MovementFilter, rows: Any) -> list[ColumnElement[Any]]:
    return [rows.variant_sequence] if wanted.variant_id is not None else [rows.occurred_at, rows.movement_id]
