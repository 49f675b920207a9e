"""Reports about what sells: sell-through, and fast and slow movers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, FromClause, Row, func

from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.choosing import whole
from core.reports.model import Chart, Column, Filter, Grain, Kind, Report, Table
from core.reports.periods import Period

CHARTED = 10
"""Rows of a chart; the table has all."""
GRAINS = (Grain.PRODUCT, Grain.VARIANT, Grain.BRAND)
_FLOWS = ("opening", "received", "sold", "restored", "adjusted", "counted", "closing")
_A, _B = 80, 95
"""The fastest of class A make 80 % of what was sold; A and B together 95 %."""


def flows(connection: Connection, period: Period, wanted: Filter) -> FromClause:
    """Return what each variant had, received, sold and got back in a period, to build queries over."""
    found = func.stockroom_api.variant_flows(period.first, period.last, choosing.variants(connection, wanted))
    return found.table_valued("variant_id", *_FLOWS)


def sell_through(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what was sold of what there was to sell."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    source = flows(connection, period, filter)
    query = choosing.summed(source, by, also=None, **{name: whole(source.c[name]) for name in _FLOWS})
    found = [row for row in connection.execute(query) if row.opening or row.received or row.sold or row.restored]
    found.sort(key=lambda row: (-_rate(row), -row.sold, choosing.sorted_by(row, by)))
    columns = (
        *choosing.names(by),
        Column(name="opening", title="At the start", kind=Kind.UNITS, about="Units on hand when the period began"),
        Column(name="received", title="Received", kind=Kind.UNITS, about="Units from deliveries, less those sent back"),
        Column(name="sold", title="Sold", kind=Kind.UNITS, about="Units sold, without sales that were undone"),
        Column(name="restored", title="Put back", kind=Kind.UNITS, about="Units put back on the shelf after a refund"),
        Column(name="closing", title="At the end", kind=Kind.UNITS, about="Units on hand when the period ended"),
        Column(name="sell_through", title="Sell-through", kind=Kind.PERCENT),
    )
    rows = tuple(
        (*choosing.named(row, by), row.opening, row.received, row.sold, row.restored, row.closing, _rate(row))
        for row in found
    )
    totals = choosing.total(rows, columns)
    sold, restored, closing = totals[-4:-1]
    shown = found[:CHARTED]
    return Table(
        columns=columns,
        rows=rows,
        totals=(*totals[:-1], _part(sold - restored, closing)),
        links=tuple(choosing.link(row, by) for row in found),
        chart=Chart(
            title="Sell-through, highest first", kind=Kind.PERCENT,
            names=tuple(choosing.label(row, by) for row in shown),
            series={"Sell-through": tuple(_rate(row) for row in shown)},
        ),
        main=("sold", "sell_through"),
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _rate(row: Any) -> float:
    return _part(row.sold - row.restored, row.closing)


def _part(kept: int, closing: int) -> float:
    """Return which percentage of the units sold and the units left was sold."""
    kept = max(kept, 0)
    return round(100 * kept / (kept + closing), 1) if kept else 0.0


def movers(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what sold fastest, in units and in money, each with its class."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    found = _sold(connection, period, filter, by)
    all_sold, all_revenue = (sum(max(getattr(row, name), 0) for row in found) for name in ("sold", "revenue"))
    units, money = (_classes(found, worth) for worth in (lambda row: row.sold, lambda row: row.revenue))
    columns = (
        *choosing.names(by),
        Column(name="sold", title="Sold", kind=Kind.UNITS, about="Units sold, without sales that were undone"),
        Column(name="units_part", title="Of all units", kind=Kind.PERCENT),
        Column(name="units_class", title="By units", about="A, B, C, or D for nothing sold"),
        Column(name="revenue", title="Sales", kind=Kind.MONEY, about="Units sold at the price that buyers paid"),
        Column(name="revenue_part", title="Of all sales", kind=Kind.PERCENT),
        Column(name="revenue_class", title="By sales", about="A, B, C, or D for nothing sold"),
        Column(name="closing", title="On hand", kind=Kind.UNITS, about="Units on hand when the period ended"),
    )
    rows = tuple(
        (
            *choosing.named(row, by), row.sold, _share(row.sold, all_sold), units[place],
            row.revenue, _share(row.revenue, all_revenue), money[place], row.closing,
        )
        for place, row in enumerate(found)
    )  # fmt: skip
    unpriced = sum(row.unpriced for row in found)
    shown = [row for row in found if row.sold][:CHARTED]
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(choosing.link(row, by) for row in found),
        chart=Chart(
            title="Units sold, most first", kind=Kind.UNITS, names=tuple(choosing.label(row, by) for row in shown),
            series={"Sold": tuple(row.sold for row in shown)},
        ),
        main=("sold", "units_class"),
        note=f"{unpriced:,} of the units sold have no price and are not in the sales." if unpriced else "",
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _sold(connection: Connection, period: Period, wanted: Filter, by: Grain) -> list[Row[Any]]:
    """Return what sold or is on hand, the fastest first."""
    moved = flows(connection, period, wanted)
    given = choosing.variants(connection, wanted)
    money = func.stockroom_api.variant_turnover(period.first, period.last, given)
    turned = money.table_valued("variant_id", "sold", "revenue", "unpriced").alias("turned")
    query = choosing.summed(
        moved, by, also=turned, sold=whole(moved.c.sold), closing=whole(moved.c.closing),
        revenue=whole(turned.c.revenue), unpriced=whole(turned.c.unpriced),
    )  # fmt: skip
    found = [row for row in connection.execute(query) if row.sold > 0 or row.closing > 0]
    return sorted(found, key=lambda row: (-row.sold, -row.revenue, choosing.sorted_by(row, by)))


def _share(value: Decimal | int, among: Decimal | int) -> float:
    return round(float(100 * max(value, 0) / among), 1) if among else 0.0


def _classes(rows: Sequence[Row[Any]], worth: Callable[[Row[Any]], Decimal | int]) -> list[str]:
    """Return the class of each row: A until 80 % of the worth is reached, then B until 95 %, C, and D without any."""
    order = sorted(range(len(rows)), key=lambda place: -worth(rows[place]))
    classes = dict(zip(order, _in_order([worth(rows[place]) for place in order]), strict=True))
    return [classes[place] for place in range(len(rows))]


def _in_order(worths: Sequence[Decimal | int]) -> Iterator[str]:
    total = sum(worth for worth in worths if worth > 0)
    before: Decimal | int = 0
    for worth in worths:
        yield "D" if worth <= 0 else "A" if 100 * before < _A * total else "B" if 100 * before < _B * total else "C"
        before += max(worth, 0)


SELL_THROUGH = Report(
    name="sell-through",
    title="Sell-through",
    about=(
        "How much of what there was to sell has been sold: units sold less units put back, divided by the same plus "
        "the units on hand at the end of the period."
    ),
    run=sell_through,
    grains=GRAINS,
)
MOVERS = Report(
    name="movers",
    title="Fast and slow movers",
    about=(
        "What sells most, in classes: A makes the first 80 % of the units or sales of the period, B the next 15 %, "
        "C the rest, and D sold nothing. Sales are at the average price that buyers paid, else at the price of today."
    ),
    run=movers,
    grains=GRAINS,
)
