"""Reports about what lies too long: the age of the units on hand, and stock that does not sell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.level_filter import LEVELS
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Grain, Kind, Report, Table
from core.reports.periods import Period
from core.reports.selling import CHARTED

_AGES = (("to_30", "To 30 days"), ("to_60", "31 to 60"), ("to_90", "61 to 90"), ("to_180", "91 to 180"),
         ("to_365", "181 to 365"), ("over_365", "Over 365"))  # fmt: skip
"""Columns of ages, as `stock_by_age` names them, and their titles."""
_VARIANT = choosing.names(Grain.VARIANT)
_VALUE = Column(name="value", title="At cost", kind=Kind.MONEY, about="Units at their average cost now")


def _held(connection: Connection, last: date, wanted: Filter) -> list[Row[Any]]:
    """Return the variants with units on hand at the end of a day, and the age of these."""
    given = choosing.variants(connection, wanted)
    names = ("units", "age", "oldest", "newest", *(name for name, _ in _AGES), "value")
    held = func.stockroom_api.stock_by_age(last, given).table_valued("variant_id", *names)
    query = select(
        LEVELS.c.variant_id, *(LEVELS.c[column.name] for column in _VARIANT), *(held.c[name] for name in names)
    ).join(held, held.c.variant_id == LEVELS.c.variant_id)
    return list(connection.execute(query))


def ageing(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the units on hand at the end of the period by their age."""
    require(connection, actor, Permission.VIEW)
    shop = reports.shop(connection, actor)
    found = _held(connection, min(period.last, shop.today), filter)
    found.sort(key=lambda row: (-row.age, row.sku))
    columns = (
        *_VARIANT,
        Column(name="on_hand", title="On hand", kind=Kind.UNITS),
        Column(name="age", title="Average age", kind=Kind.DAYS, about="The average of its units, in days"),
        *(Column(name=name, title=title, kind=Kind.UNITS) for name, title in _AGES),
        _VALUE,
    )
    rows = tuple(
        (
            *choosing.named(row, Grain.VARIANT), row.units, float(row.age), *(getattr(row, name) for name, _ in _AGES),
            row.value,
        )
        for row in found
    )  # fmt: skip
    sums = choosing.total(rows, columns)
    first = len(_VARIANT)
    units = sums[first]
    age = round(float(sum(row.age * row.units for row in found)) / units, 1) if units else None
    return Table(
        columns=columns,
        rows=rows,
        totals=(*sums[:first], units, age, *(None for _ in _AGES), sums[-1]),
        links=tuple(choosing.link(row, Grain.VARIANT) for row in found),
        chart=Chart(
            title="Units on hand by their age in days", kind=Kind.UNITS, names=tuple(title for _, title in _AGES),
            series={"Units": sums[first + 2 : -1]},
        ) if found else None,
        main=("on_hand", "age"),
        note=_without_cost(found),
        currency=shop.currency,
    )  # fmt: skip


def dead_stock(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the variants that were on hand for the whole period and sold nothing in it."""
    require(connection, actor, Permission.VIEW)
    shop = reports.shop(connection, actor)
    last = min(period.last, shop.today)
    sales = _last_sales(connection, last, filter)
    found = [
        row
        for row in _held(connection, last, filter)
        if row.oldest < period.first and sales.get(row.variant_id, date.min) < period.first
    ]
    found.sort(key=lambda row: (-(row.value or 0), -row.units, row.sku))
    columns = (
        *_VARIANT,
        Column(name="last_sold", title="Last sold", kind=Kind.DAY),
        Column(name="last_received", title="Last came", kind=Kind.DAY, about="When the newest of its units came"),
        Column(name="age", title="Average age", kind=Kind.DAYS, about="The average of its units, in days"),
        Column(name="on_hand", title="On hand", kind=Kind.UNITS),
        _VALUE,
    )
    rows = tuple(
        (
            *choosing.named(row, Grain.VARIANT),
            sales.get(row.variant_id),
            row.newest,
            float(row.age),
            row.units,
            row.value,
        )
        for row in found
    )
    most = choosing.largest(((row.product, row.units) for row in found), CHARTED)
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(choosing.link(row, Grain.VARIANT) for row in found),
        chart=Chart(
            title="Units that did not sell, by product", kind=Kind.UNITS, names=tuple(name for name, _ in most),
            series={"Units": tuple(units for _, units in most)},
        ),
        main=("last_sold", "on_hand"),
        note=_without_cost(found),
        currency=shop.currency,
    )  # fmt: skip


def _last_sales(connection: Connection, last: date, wanted: Filter) -> Mapping[UUID, date]:
    sales = func.stockroom_api.last_sales(last, choosing.variants(connection, wanted)).table_valued("variant_id", "day")
    return {row.variant_id: row.day for row in connection.execute(select(sales))}


def _without_cost(found: list[Row[Any]]) -> str:
    unknown = sum(row.units for row in found if row.value is None)
    return f"{unknown:,} units have no known cost and are not in the money." if unknown else ""


AGEING = Report(
    name="ageing",
    title="Age of stock",
    about=(
        "How long the units on hand at the end of the period have been there, first in, first out: what is left is "
        "what came last, in deliveries, counts and finds. Units put back after a refund are as old as the others."
    ),
    run=ageing,
    nothing="Nothing was on hand at the end of this period.",
)
DEAD_STOCK = Report(
    name="dead-stock",
    title="Dead stock",
    about=(
        "Variants that sold nothing in the whole period and were on hand when it began, those with the most money in "
        "them first. Units that all came during the period are not listed."
    ),
    run=dead_stock,
    nothing="Everything that was on hand when the period began has sold at least once.",
)
