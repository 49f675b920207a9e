"""Reads of the ledger: filters, pages by key, the chart and the export of a filter. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, TableClause, case, func, or_, select, text

from core.foundation import paging
from core.foundation.model import Actor, DayFlow, Movement, MovementType
from core.foundation.paging import COUNTED_UP_TO, Count, Page
from core.ledger import reports
from core.ledger.query import day_of, on_days, starts, view
from core.people.access import Permission
from core.people.guard import require

COUNTED_UP_TO_NARROWED = 1_000
"""The limit of a count with several conditions. No index covers them together, so every row has to be read."""
_movements = view("movements", *Movement.__dataclass_fields__)
_KEYS = "movement_id variant_id variant_sequence movement_type reason quantity reference_id performed_by occurred_at"
_keys_only = view("movement_keys", *_KEYS.split())
_REASONS_OF_TYPES = text(
    "select distinct reason from stockroom_api.reasons where movement_type = any(:types) and reason = any(:reasons)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """The filter of the ledger. `since` and `until` are days of the shop, both included; `reference` is a prefix."""

    types: tuple[MovementType, ...] = ()
    reasons: tuple[str, ...] = ()
    variant_id: UUID | None = None
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
        among = _matching(connection, filter, _keys_only)
        found = paging.cut(among, _keys(filter, _keys_only.c), cursor=cursor, limit=limit, newest_first=True)
        query = query.where(_movements.c.variant_sequence.in_(found.with_only_columns(_keys_only.c.variant_sequence)))
    keys = _keys(filter, _movements.c)
    part = paging.read(connection, query, keys, cursor=cursor, limit=limit, newest_first=True)
    return part.of(map(_movement, part.rows))


def count(connection: Connection, actor: Actor, *, filter: MovementFilter) -> Count:  # noqa: A002
    """Return how many movements match, counting up to 10,000, or up to 1,000 with several conditions."""
    require(connection, actor, Permission.VIEW)
    conditions = (filter.types, filter.reasons, filter.variant_id, filter.performed_by, filter.reference.strip())
    limit = COUNTED_UP_TO_NARROWED if sum(map(bool, conditions)) > 1 else COUNTED_UP_TO
    return paging.count(connection, _matching(connection, filter, _keys_only), limit)


def flows(
    connection: Connection,
    actor: Actor,
    *,
    filter: MovementFilter,  # noqa: A002
    since: date,
    until: date,
) -> tuple[DayFlow, ...]:
    """Return units in and out by day and type under a filter, for `since` <= day < `until`.

    They come from the rollup, or, with a reason, a person or a reference in the filter, from the movements.
    """
    if not (filter.reasons or filter.performed_by or filter.reference.strip()):
        found = reports.flows(connection, actor, since=since, until=until, variant_id=filter.variant_id)
        return tuple(flow for flow in found if not filter.types or flow.movement_type in filter.types)
    require(connection, actor, Permission.VIEW)
    zone = reports.shop(connection, actor).zone
    rows = _keys_only.c
    day, (first, end) = day_of(rows.occurred_at, zone), starts(connection, since, until)
    query = (
        _matching(connection, filter, _keys_only)
        .with_only_columns(
            day.label("day"),
            rows.movement_type,
            func.sum(case((rows.quantity > 0, rows.quantity), else_=0)).label("units_in"),
            func.sum(case((rows.quantity < 0, -rows.quantity), else_=0)).label("units_out"),
        )
        .where(rows.occurred_at >= first, rows.occurred_at < end)
        .group_by(day, rows.movement_type)
        .order_by(day)
    )
    return tuple(
        DayFlow(
            day=row.day, movement_type=MovementType(row.movement_type), units_in=row.units_in, units_out=row.units_out
        )
        for row in connection.execute(query)
    )


def export(connection: Connection, actor: Actor, *, filter: MovementFilter) -> Iterator[tuple[Movement, ...]]:  # noqa: A002
    """Yield every movement under a filter, newest first, in chunks."""
    longest = paging.LONGEST_PAGE
    return paging.walk(lambda cursor: page(connection, actor, filter=filter, cursor=cursor, limit=longest))


def get(connection: Connection, actor: Actor, *, movement_ids: tuple[int, ...]) -> tuple[Movement, ...]:
    """Return these movements, newest first; unknown ones are missing."""
    require(connection, actor, Permission.VIEW)
    query = select(_movements).where(_movements.c.movement_id == func.any(list(movement_ids)))
    return tuple(_movement(row) for row in connection.execute(query.order_by(_movements.c.movement_id.desc())))


def people(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return the names of all who ever moved something."""
    require(connection, actor, Permission.VIEW)
    return tuple(connection.execute(text("select performed_by from stockroom_api.people()")).scalars())


def _movement(row: Row[Any]) -> Movement:
    return Movement(**{**row._mapping, "movement_type": MovementType(row.movement_type)})


def _matching(connection: Connection, wanted: MovementFilter, source: TableClause) -> Select[Any]:
    return select(source).where(*_conditions(connection, wanted, source.c))


def _conditions(connection: Connection, wanted: MovementFilter, rows: Any) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.types:
        conditions.append(rows.movement_type.in_([kind.value for kind in wanted.types]))
    if wanted.reasons:
        conditions.append(rows.reason.in_(_possible_reasons(connection, wanted)))
    if wanted.variant_id is not None:
        conditions.append(rows.variant_id == wanted.variant_id)
    if wanted.performed_by:
        conditions.append(rows.performed_by == wanted.performed_by)
    if wanted.reference.strip():
        # As written and in capitals: people type ord-17 for ORD-17. Both forms use the index; lower() would not.
        given = wanted.reference.strip()[:200]
        forms = dict.fromkeys((given, given.upper()))
        conditions.append(or_(*(rows.reference_id.startswith(form, autoescape=True) for form in forms)))
    if wanted.since or wanted.until:
        conditions.extend(on_days(connection, rows.occurred_at, wanted.since, wanted.until))
    return conditions


def _possible_reasons(connection: Connection, wanted: MovementFilter) -> list[str]:
    """Return the wanted reasons of the wanted types. No row is both a sale and a delivery, so none is searched for."""
    if not wanted.types:
        return list(wanted.reasons)
    values = {"types": [kind.value for kind in wanted.types], "reasons": list(wanted.reasons)}
    return list(connection.execute(_REASONS_OF_TYPES, values).scalars())


def _keys(wanted: MovementFilter, rows: Any) -> list[ColumnElement[Any]]:
    return [rows.variant_sequence] if wanted.variant_id is not None else [rows.occurred_at, rows.movement_id]
