"""The shop at an instant: every level as it was, and what explains the difference between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core.database.reading import read_only
from core.foundation.model import Actor, MovementType
from core.ledger import reports
from core.ledger.level_filter import LEVELS
from core.ledger.query import starts
from core.people.access import Permission, may
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Grain, Kind, Link, Report, Table
from core.reports.periods import Period

_TYPES = {
    MovementType.PURCHASE: "Purchases",
    MovementType.SALE: "Sales",
    MovementType.RESTORATION: "Restorations",
    MovementType.ADJUSTMENT: "Adjustments",
    MovementType.COUNT: "Counts",
}
_WAYS = tuple(f"{kind}_{way}" for kind in MovementType for way in ("in", "out"))
_NAMES = choosing.names(Grain.VARIANT)
_CHARTED = 15


@read_only
def at(
    connection: Connection, actor: Actor, *, at: datetime, since: datetime | None = None, filter: Filter  # noqa: A002
) -> Table:  # fmt: skip
    """Return every level just before the moment `at`, or, with `since`, what changed from that moment to `at`.

    A change has the units in and out by movement type that explain it. The value is for those who may see money; it is
    empty where no cost was known.
    """
    require(connection, actor, Permission.VIEW)
    table = (
        _levels(connection, actor, at, filter)
        if since is None
        else _changes(connection, actor, min(since, at), max(since, at), filter)
    )
    return table if may(actor.role, Permission.SEE_MONEY) else table.without(Kind.MONEY)


def over(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what changed from the beginning of a period to its end, or to now."""
    first, end = starts(connection, period.first, period.last + timedelta(days=1))
    if first is None or end is None:
        raise ValueError("A period has a first and a last day.")
    now: datetime = connection.execute(select(func.now())).scalar_one()
    return at(connection, actor, at=max(min(end, now), first), since=first, filter=filter)


def _levels(connection: Connection, actor: Actor, moment: datetime, wanted: Filter) -> Table:
    levels = func.stockroom_api.levels_at(moment).table_valued("variant_id", "sku", "level")
    query = select(LEVELS, levels.c.level).join(levels, levels.c.variant_id == LEVELS.c.variant_id)
    found = _chosen(connection, query, wanted)
    values = _values(connection, actor, moment)
    columns = (
        *_NAMES,
        Column(name="level", title="On hand", kind=Kind.UNITS, about="Units just before the moment"),
        Column(name="value", title="Value", kind=Kind.MONEY, about="At cost; empty where no cost was known"),
    )
    rows = tuple((*choosing.named(row, Grain.VARIANT), row.level, values.get(row.variant_id)) for row in found)
    most = choosing.largest(((row.brand or choosing.NO_BRAND, row.level) for row in found), _CHARTED)
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(choosing.link(row, Grain.VARIANT) for row in found),
        chart=Chart(
            title="Units on hand by brand", kind=Kind.UNITS, names=tuple(name for name, _ in most),
            series={"On hand": tuple(units for _, units in most)},
        ),
        main=("level",),
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _changes(connection: Connection, actor: Actor, since: datetime, until: datetime, wanted: Filter) -> Table:
    before = func.stockroom_api.levels_at(since).table_valued("variant_id", "sku", "level", name="before")
    after = func.stockroom_api.levels_at(until).table_valued("variant_id", "sku", "level", name="after")
    moved = func.stockroom_api.moved_between(since, until).table_valued("variant_id", *_WAYS, name="moved")
    opening, closing = before.c.level.label("opening"), after.c.level.label("closing")
    query = (
        select(LEVELS, opening, closing, *(moved.c[way] for way in _WAYS))
        .join(moved, moved.c.variant_id == LEVELS.c.variant_id)
        .join(before, before.c.variant_id == LEVELS.c.variant_id)
        .join(after, after.c.variant_id == LEVELS.c.variant_id)
    )
    found = sorted(_chosen(connection, query, wanted), key=lambda row: (-abs(row.closing - row.opening), row.sku))
    columns = (
        *_NAMES,
        Column(name="before", title="Before", kind=Kind.UNITS, about="On hand at the first moment"),
        Column(name="after", title="After", kind=Kind.UNITS, about="On hand at the second moment"),
        Column(name="change", title="Change", kind=Kind.UNITS, about="The sum of the movements between them"),
        *(Column(name=kind, title=title, kind=Kind.UNITS, about="In less out") for kind, title in _TYPES.items()),
        Column(name="value_change", title="Value", kind=Kind.MONEY, about="Change of the value at cost"),
    )
    earlier, later = _values(connection, actor, since), _values(connection, actor, until)
    rows = tuple(
        (
            *choosing.named(row, Grain.VARIANT), row.opening, row.closing, row.closing - row.opening,
            *(_net(row, kind) for kind in _TYPES),
            _difference(earlier.get(row.variant_id), later.get(row.variant_id)),
        )
        for row in found
    )  # fmt: skip
    shop = reports.shop(connection, actor)
    (first, last) = (reports.day_of(connection, moment) for moment in (since, until))
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(
            Link(page="movements", query={"mov_sku": row.sku, "mov_from": str(first), "mov_to": str(last)})
            for row in found
        ),
        chart=Chart(
            title="Units by movement type", kind=Kind.UNITS, names=tuple(_TYPES.values()),
            series={
                "In": tuple(sum(row._mapping[f"{kind}_in"] for row in found) for kind in _TYPES),
                "Out": tuple(sum(row._mapping[f"{kind}_out"] for row in found) for kind in _TYPES),
            },
        ),
        main=("after", "change"),
        currency=shop.currency,
        note="A row opens the movements of its variant on these days.",
    )  # fmt: skip


def _chosen(connection: Connection, query: Any, wanted: Filter) -> Sequence[Row[Any]]:
    given = choosing.variants(connection, wanted)
    if given is not None:
        query = query.where(LEVELS.c.variant_id == func.any(given))
    rows: Sequence[Row[Any]] = connection.execute(query.order_by(LEVELS.c.product, LEVELS.c.sku)).all()
    return rows


def _values(connection: Connection, actor: Actor, moment: datetime) -> dict[Any, Decimal | None]:
    if not may(actor.role, Permission.SEE_MONEY):
        return {}
    require(connection, actor, Permission.SEE_MONEY)
    values = func.stockroom_api.values_at(moment).table_valued("variant_id", "units", "value")
    return {row.variant_id: row.value for row in connection.execute(select(values))}


def _net(row: Row[Any], kind: MovementType) -> int:
    return int(row._mapping[f"{kind}_in"] - row._mapping[f"{kind}_out"])


def _difference(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    return None if before is None and after is None else (after or Decimal(0)) - (before or Decimal(0))


INSTANT = Report(
    name="instant",
    title="The shop at an instant",
    about=(
        "Every level as it was at a moment. Compare it with another moment: each difference is explained by the "
        "movements between them."
    ),
    run=over,
    nothing="Nothing moved between these moments. Choose others, or remove a filter.",
)
"""Over a period, it compares the end with the beginning."""
