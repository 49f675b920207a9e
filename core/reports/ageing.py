"""Reports about what lies too long: the age of the units on hand, and stock that does not sell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.level_filter import LEVELS
from core.ledger.query import view
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Grain, Kind, Report, Table
from core.reports.periods import Period
from core.reports.selling import CHARTED

_AGES = ((30, "to_30", "To 30 days"), (60, "to_60", "31 to 60"), (90, "to_90", "61 to 90"),
         (180, "to_180", "91 to 180"), (365, "to_365", "181 to 365"), (None, "over_365", "Over 365"))  # fmt: skip
_COSTS = view("variant_costs", "variant_id", "average")
_VARIANT = choosing.names(Grain.VARIANT)
_VALUE = Column(name="value", title="At cost", kind=Kind.MONEY, about="Units at their average cost now")


@dataclass(slots=True)
class _Held:
    """What is on hand of a variant at the end of a period: its layers as (age in days, units), the oldest first."""

    row: Row[Any]
    oldest: date
    newest: date
    layers: list[tuple[int, int]] = field(default_factory=list)

    @property
    def units(self) -> int:
        return sum(units for _, units in self.layers)

    @property
    def age(self) -> float:
        """The average age of its units."""
        return round(sum(age * units for age, units in self.layers) / self.units, 1)

    @property
    def value(self) -> Decimal | None:
        return None if self.row.average is None else round(self.units * self.row.average, 2)

    def between(self, above: int, upto: int | None) -> int:
        """How many units are older than `above` days, but not than `upto`."""
        return sum(units for age, units in self.layers if age > above and (upto is None or age <= upto))


def _held(connection: Connection, last: date, wanted: Filter) -> list[_Held]:
    given = choosing.variants(connection, wanted)
    ages = func.stockroom_api.stock_ages(last, given).table_valued("variant_id", "arrived", "units")
    query = (
        select(LEVELS, ages.c.arrived, ages.c.units, _COSTS.c.average)
        .join(ages, ages.c.variant_id == LEVELS.c.variant_id)
        .join(_COSTS, _COSTS.c.variant_id == LEVELS.c.variant_id)
    )
    found: dict[UUID, _Held] = {}
    for row in connection.execute(query.order_by(ages.c.arrived)):
        held = found.setdefault(row.variant_id, _Held(row=row, oldest=row.arrived, newest=row.arrived))
        held.layers.append(((last - row.arrived).days, row.units))
        held.oldest, held.newest = min(held.oldest, row.arrived), row.arrived
    return list(found.values())


def ageing(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the units on hand at the end of the period by their age."""
    require(connection, actor, Permission.VIEW)
    shop = reports.shop(connection, actor)
    found = _held(connection, min(period.last, shop.today), filter)
    found.sort(key=lambda held: (-held.age, held.row.sku))
    edges = list(zip((-1, *(upto or 0 for upto, _, _ in _AGES)), _AGES, strict=False))
    columns = (
        *_VARIANT,
        Column(name="on_hand", title="On hand", kind=Kind.UNITS),
        Column(name="age", title="Average age", kind=Kind.DAYS, about="The average of its units, in days"),
        *(Column(name=name, title=title, kind=Kind.UNITS) for _, name, title in _AGES),
        _VALUE,
    )
    rows = tuple(
        (
            *choosing.named(held.row, Grain.VARIANT), held.units, held.age,
            *(held.between(above, upto) for above, (upto, _, _) in edges), held.value,
        )
        for held in found
    )  # fmt: skip
    sums = choosing.total(rows, columns)
    first = len(_VARIANT)
    units = sums[first]
    age = round(sum(held.age * held.units for held in found) / units, 1) if units else None
    return Table(
        columns=columns,
        rows=rows,
        totals=(*sums[:first], units, age, *(None for _ in _AGES), sums[-1]),
        links=tuple(choosing.link(held.row, Grain.VARIANT) for held in found),
        chart=Chart(
            title="Units on hand by their age in days", kind=Kind.UNITS, names=tuple(title for _, _, title in _AGES),
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
        held
        for held in _held(connection, last, filter)
        if sales.get(held.row.variant_id, date.min) < period.first and held.oldest < period.first
    ]
    found.sort(key=lambda held: (-(held.value or 0), -held.units, held.row.sku))
    columns = (
        *_VARIANT,
        Column(name="last_sold", title="Last sold", kind=Kind.DAY),
        Column(name="last_received", title="Last came", kind=Kind.DAY, about="When the newest of its units came"),
        Column(name="age", title="Average age", kind=Kind.DAYS, about="The average of its units, in days"),
        Column(name="on_hand", title="On hand", kind=Kind.UNITS),
        _VALUE,
    )
    rows = tuple(
        (*choosing.named(held.row, Grain.VARIANT), sales.get(held.row.variant_id), held.newest, held.age, held.units,
         held.value)
        for held in found
    )  # fmt: skip
    by_product: dict[str, int] = {}
    for held in found:
        by_product[held.row.product] = by_product.get(held.row.product, 0) + held.units
    most = sorted(by_product.items(), key=lambda each: -each[1])[:CHARTED]
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(choosing.link(held.row, Grain.VARIANT) for held in found),
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


def _without_cost(found: list[_Held]) -> str:
    unknown = sum(held.units for held in found if held.value is None)
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
