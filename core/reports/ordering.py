"""The report of what to order: each variant with every term of the sum. The rules: core/replenishment."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from core.database.reading import read_only
from core.foundation.model import Actor
from core.replenishment.suggestions import NO_SUPPLIER, Suggestion, suggest
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Grain, Kind, Link, Report, Table
from core.reports.periods import Period

CHARTED = 15
WITHOUT = "No supplier"
_COLUMNS = (
    *choosing.names(Grain.VARIANT),
    Column(name="supplier", title="Supplier"),
    Column(name="demand", title="Sold a day", kind=Kind.DECIMAL, about="Units asked for on a day in stock"),
    Column(name="method", title="Method", about="average, or croston for variants that sell on few days"),
    Column(name="lead_days", title="Lead time", kind=Kind.COUNT, about="Days from the order to the shelf"),
    Column(name="cover_days", title="Cover", kind=Kind.COUNT, about="Days that the stock is to last after that"),
    Column(name="needed", title="Needed", kind=Kind.DECIMAL, about="Demand over lead time and cover"),
    Column(name="available", title="Available", kind=Kind.UNITS, about="On hand minus reserved"),
    Column(name="expected", title="Expected", kind=Kind.UNITS, about="Units that deliveries bring until then"),
    Column(name="pack_size", title="Pack", kind=Kind.COUNT, about="Units in a pack"),
    Column(name="to_order", title="To order", kind=Kind.UNITS, about="What is missing, in whole packs"),
)
_ADDED = ("available", "expected", "to_order")


@read_only
def rows(
    connection: Connection, actor: Actor, *, period: Period, filter: Filter, supplier: str | None = None  # noqa: A002
) -> tuple[Suggestion, ...]:  # fmt: skip
    """Return the suggestions for the variants under a filter, by the demand of a period. Raises as `suggest`."""
    return suggest(
        connection, actor, since=period.first, until=period.last + timedelta(days=1),
        variant_ids=choosing.variants(connection, filter), supplier=supplier,
    )  # fmt: skip


def to_order(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what to order."""
    found = [row for row in rows(connection, actor, period=period, filter=filter) if row.suggested]
    cells = tuple(map(_cells, found))
    return Table(
        columns=_COLUMNS,
        rows=cells,
        totals=tuple(
            sum(row[place] for row in cells) if column.name in _ADDED else None
            for place, column in enumerate(_COLUMNS)
        ),
        links=tuple(Link(page="stock", query={"sku": row.sku}) for row in found),
        chart=chart(found),
    )  # fmt: skip


def chart(found: list[Suggestion]) -> Chart:
    """Return the units to order from each supplier, most first."""
    units: Counter[str] = Counter()
    for row in found:
        units[row.supplier or NO_SUPPLIER] += row.suggested
    shown = units.most_common(CHARTED)
    return Chart(
        title="Units to order, by supplier", kind=Kind.UNITS,
        names=tuple(WITHOUT if name == NO_SUPPLIER else name for name, _ in shown),
        series={"To order": tuple(count for _, count in shown)},
    )  # fmt: skip


def _cells(row: Suggestion) -> tuple[Any, ...]:
    return (
        row.sku, row.product, row.size, row.color, row.brand, row.supplier, row.rate, row.method.value, row.lead_days,
        row.cover_days, row.needed, row.available, row.expected, row.pack_size, row.suggested,
    )  # fmt: skip


TO_ORDER = Report(
    name="to-order",
    title="What to order",
    about=(
        "What each variant needs: the units that it sells on a day in stock, over lead time and cover, less what is "
        "available and what deliveries bring until then, in whole packs. The period is the one that demand is "
        "measured in. An order is a suggestion; Stockroom sends none."
    ),
    run=to_order,
    grains=(Grain.VARIANT,),
    nothing="Every variant lasts for its lead time and cover, or has sold nothing in this period.",
)
