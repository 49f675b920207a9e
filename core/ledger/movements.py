"""Reading the ledger: filters, pages by key, the chart and the export of a filter. Nothing here changes anything."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    TableClause,
    case,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
    tuple_,
)

from core.foundation.errors import invalid
from core.foundation.model import Actor, DayFlow, Movement, MovementType
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require

COUNTED_UP_TO = 10_000
COUNTED_UP_TO_NARROWED = 1_000
"""As far as several conditions at once are counted: no index knows them together, so every row has to be looked at."""
EXPORT_CHUNK = 5_000
_movements = table("movements", *(column(name) for name in Movement.__dataclass_fields__), schema="stockroom_api")
_KEYS = "movement_id variant_id variant_sequence movement_type reason quantity reference_id performed_by occurred_at"
_keys_only = table("movement_keys", *(column(name) for name in _KEYS.split()), schema="stockroom_api")
_REASONS_OF_TYPES = text(
    "select distinct reason from stockroom_api.reasons where movement_type = any(:types) and reason = any(:reasons)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """What narrows the ledger. `since` and `until` are the shop's days, both included; `reference` its beginning."""

    types: tuple[MovementType, ...] = ()
    reasons: tuple[str, ...] = ()
    variant_id: UUID | None = None
    performed_by: str | None = None
    reference: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementPage:
    """Some rows, newest first. `newer` and `older` are the cursors of the pages beside it, or None at the ends."""

    rows: tuple[Movement, ...]
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows match; `at_least` where counting stopped because there are more."""

    count: int
    at_least: bool


def page(
    connection: Connection,
    actor: Actor,
    *,
    filter: MovementFilter = MovementFilter(),  # noqa: A002 - the word of the page; frozen, so safe to share
    cursor: str | None = None,
    limit: int = 50,
) -> MovementPage:
    """Return a page of the ledger, newest first, from `cursor` on: as quick at the millionth row as at the first.

    One variant's movements come in the order of its sequence, others by when they happened. Raises InvalidInput for a
    cursor that this function did not make.
    """
    require(connection, actor, Permission.VIEW)
    limit = min(max(limit, 1), 1_000)
    backwards, position = _decode(cursor)
    query = _matching(connection, filter, _movements)
    if filter.variant_id is not None and filter.types:
        found = _cut(_matching(connection, filter, _keys_only), filter, _keys_only, position, backwards, limit + 1)
        sequences = found.with_only_columns(_keys_only.c.variant_sequence)
        query = query.where(_movements.c.variant_sequence.in_(sequences))
    rows = connection.execute(_cut(query, filter, _movements, position, backwards, limit + 1)).all()
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows = rows[::-1]
    newer = _encode(rows[0], filter, backwards=True) if rows and (more if backwards else position is not None) else None
    older = _encode(rows[-1], filter, backwards=False) if rows and (more or backwards) else None
    return MovementPage(rows=tuple(_movement(row) for row in rows), newer=newer, older=older)


def _cut(
    query: Select[Any],
    wanted: MovementFilter,
    source: TableClause,
    position: list[Any] | None,
    backwards: bool,
    limit: int,
) -> Select[Any]:
    """Return `limit` rows of the query beyond the position, those next to it first."""
    keys = _keys(wanted, source.c)
    if position is not None:
        here = tuple_(*(literal(value, key.type) for value, key in zip(_typed(position, wanted), keys, strict=True)))
        query = query.where(tuple_(*keys) > here if backwards else tuple_(*keys) < here)
    return query.order_by(*(key.asc() if backwards else key.desc() for key in keys)).limit(limit)


def count(connection: Connection, actor: Actor, *, filter: MovementFilter) -> Count:  # noqa: A002
    """Return how many movements match, counting no further than ten thousand, or one thousand of several conditions."""
    require(connection, actor, Permission.VIEW)
    conditions = (filter.types, filter.reasons, filter.variant_id, filter.performed_by, filter.reference.strip())
    limit = COUNTED_UP_TO_NARROWED if sum(map(bool, conditions)) > 1 else COUNTED_UP_TO
    bounded = (
        _matching(connection, filter, _keys_only)
        .with_only_columns(literal(1), maintain_column_froms=True)
        .limit(limit + 1)
        .subquery()
    )
    found = connection.execute(select(func.count()).select_from(bounded)).scalar_one()
    return Count(count=min(found, limit), at_least=found > limit)


def flows(
    connection: Connection,
    actor: Actor,
    *,
    filter: MovementFilter,  # noqa: A002
    since: date,
    until: date,
) -> tuple[DayFlow, ...]:
    """Return units in and out by day and type of what the filter lists, for `since` <= day < `until`.

    Read from the rollup where the filter allows it; a reason, a person or a reference is summed from the movements.
    """
    if not (filter.reasons or filter.performed_by or filter.reference.strip()):
        found = reports.flows(connection, actor, since=since, until=until, variant_id=filter.variant_id)
        return tuple(flow for flow in found if not filter.types or flow.movement_type in filter.types)
    require(connection, actor, Permission.VIEW)
    zone = reports.shop(connection, actor).zone
    rows = _keys_only.c
    day = func.date(func.timezone(zone, rows.occurred_at))
    query = (
        _matching(connection, filter, _keys_only)
        .with_only_columns(
            day.label("day"),
            rows.movement_type,
            func.sum(case((rows.quantity > 0, rows.quantity), else_=0)).label("units_in"),
            func.sum(case((rows.quantity < 0, -rows.quantity), else_=0)).label("units_out"),
        )
        .where(rows.occurred_at >= midnight(since, zone), rows.occurred_at < midnight(until, zone))
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
    """Yield the whole filter, newest first, in chunks; read by key, so no cursor stays open in the database."""
    cursor: str | None = None
    while True:
        part = _page_for_export(connection, actor, filter, cursor)
        if part.rows:
            yield part.rows
        if part.older is None:
            return
        cursor = part.older


def get(connection: Connection, actor: Actor, *, movement_ids: tuple[int, ...]) -> tuple[Movement, ...]:
    """Return these movements, newest first; unknown ones are missing."""
    require(connection, actor, Permission.VIEW)
    query = select(_movements).where(_movements.c.movement_id == func.any(list(movement_ids)))
    return tuple(_movement(row) for row in connection.execute(query.order_by(_movements.c.movement_id.desc())))


def people(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return everybody who ever moved something."""
    require(connection, actor, Permission.VIEW)
    return tuple(connection.execute(text("select performed_by from stockroom_api.people()")).scalars())


def midnight(day: date, zone: str) -> datetime:
    """Return the moment a day of the shop begins."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def _page_for_export(connection: Connection, actor: Actor, wanted: MovementFilter, cursor: str | None) -> MovementPage:
    # `page` bounds its limit for the screen; an export reads longer pages with the same keys.
    rows: list[Movement] = []
    while True:
        part = page(connection, actor, filter=wanted, cursor=cursor, limit=1_000)
        rows.extend(part.rows)
        cursor = part.older
        if cursor is None or len(rows) >= EXPORT_CHUNK:
            return MovementPage(rows=tuple(rows), newer=None, older=cursor)


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
        # As written, and in capitals: people type ord-17 for ORD-17. Each form uses the index; a lower() would not.
        said = wanted.reference.strip()[:200]
        forms = dict.fromkeys((said, said.upper()))
        conditions.append(or_(*(rows.reference_id.startswith(form, autoescape=True) for form in forms)))
    if wanted.since or wanted.until:
        zone = connection.execute(text("select zone from stockroom_api.shop")).scalar_one()
        conditions.extend(_days(wanted, rows.occurred_at, zone))
    return conditions


def _possible_reasons(connection: Connection, wanted: MovementFilter) -> list[str]:
    """Return the wanted reasons that go with a wanted type: of a sale that is a delivery, no row need be looked for."""
    if not wanted.types:
        return list(wanted.reasons)
    values = {"types": [kind.value for kind in wanted.types], "reasons": list(wanted.reasons)}
    return list(connection.execute(_REASONS_OF_TYPES, values).scalars())


def _days(wanted: MovementFilter, happened: ColumnElement[datetime], zone: str) -> Iterator[ColumnElement[bool]]:
    if wanted.since:
        yield happened >= midnight(wanted.since, zone)
    if wanted.until:
        yield happened < midnight(wanted.until + timedelta(days=1), zone)


def _keys(wanted: MovementFilter, rows: Any) -> list[ColumnElement[Any]]:
    return [rows.variant_sequence] if wanted.variant_id is not None else [rows.occurred_at, rows.movement_id]


def _encode(row: Row[Any], wanted: MovementFilter, *, backwards: bool) -> str:
    values = [row.variant_sequence] if wanted.variant_id is not None else [row.occurred_at.isoformat(), row.movement_id]
    return (
        base64.urlsafe_b64encode(json.dumps([backwards, *values], separators=(",", ":")).encode()).decode().rstrip("=")
    )


def _decode(cursor: str | None) -> tuple[bool, list[Any] | None]:
    if not cursor:
        return False, None
    try:
        backwards, *position = json.loads(base64.urlsafe_b64decode(cursor[:200] + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        raise invalid("page", "is not one of this list; start from the newest") from None
    return bool(backwards), position


def _typed(position: list[Any], wanted: MovementFilter) -> list[Any]:
    try:
        if wanted.variant_id is not None:
            (sequence,) = position
            return [int(sequence)]
        moment, movement_id = position
        return [datetime.fromisoformat(moment), int(movement_id)]
    except (ValueError, TypeError):
        raise invalid("page", "is not one of this list; start from the newest") from None
