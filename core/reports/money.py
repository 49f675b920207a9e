"""Reports in money: what the shelf is worth, and what added to it and took from it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, FromClause, func, select

from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.choosing import whole
from core.reports.model import Chart, Column, Filter, Grain, Kind, Link, Report, Table
from core.reports.periods import Period
from core.valuation.month import next_month

CHARTED = 15
"""Rows of a chart; the table has all."""
MOST_DAYS = 92
"""Up to so many days, a chart over time has a point a day, else one a month."""
_PARTS = ("purchases", "sales", "restorations", "losses", "adjustments", "counts", "cost_changes")
_ALL = ("bucket", "variant_id", *_PARTS, "total", "units", "uncosted")
_OVER_TIME = (Grain.MONTH, Grain.CALENDAR_DAY)


def parts(period: Period, given: list[UUID] | None, *, by_day: bool) -> FromClause:
    """Return the money of each variant in a period by what moved it, to build queries over."""
    found = func.stockroom_api.value_parts(period.first, period.last + timedelta(days=1), by_day, given)
    return found.table_valued(*_ALL).alias("parts")


def opening(day: date, given: list[UUID] | None) -> FromClause:
    """Return units and value of each variant when a day begins, to build queries over."""
    found = func.stockroom_api.values_on(day, given).table_valued("variant_id", "units", "value")
    return found.alias("opening")


def shelf(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what the units on hand were worth when the period ended, and the value over time."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    given = choosing.variants(connection, filter)
    end = opening(period.last + timedelta(days=1), given)
    unknown = func.coalesce(func.sum(end.c.units).filter(end.c.value.is_(None)), 0)
    query = choosing.summed(end, by, units=whole(end.c.units), value=func.sum(end.c.value), unknown=unknown)
    found = [row for row in connection.execute(query) if row.units or row.value]
    found.sort(key=lambda row: (-(row.value or 0), choosing.sorted_by(row, by)))
    columns = (
        *choosing.names(by),
        Column(name="units", title="Units", kind=Kind.UNITS, about="Units on hand when the period ended"),
        Column(name="value", title="Value", kind=Kind.MONEY, about="Units on hand at their average cost"),
        Column(name="uncosted", title="Without a cost", kind=Kind.UNITS, about="Units whose cost is not known"),
    )
    rows = tuple((*choosing.named(row, by), row.units, row.value, row.unknown) for row in found)
    unknown_units = sum(row.unknown for row in found)
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(choosing.link(row, by) for row in found),
        chart=_value_over_time(connection, period, given),
        note=f"{unknown_units:,} units have no known cost and are not in the value." if unknown_units else "",
        currency=reports.shop(connection, actor).currency,
    )


def _value_over_time(connection: Connection, period: Period, given: list[UUID] | None) -> Chart:
    """Return the value of the shelf at the end of each day or month."""
    by_day = period.days <= MOST_DAYS
    start = opening(period.first, given)
    value = connection.execute(select(whole(start.c.value))).scalar_one()
    moved = parts(period, given, by_day=by_day)
    found = connection.execute(select(moved.c.bucket, func.sum(moved.c.total).label("total")).group_by(moved.c.bucket))
    sums: dict[date, Decimal] = {row.bucket: row.total for row in found}
    names, values = [], []
    for bucket in _buckets(period, by_day=by_day):
        value += sums.get(bucket, 0)
        names.append(bucket)
        values.append(float(value))
    return Chart(
        title="Value at cost at the end of each day" if by_day else "Value at cost at the end of each month",
        kind=Kind.MONEY, names=tuple(names), series={"Value": tuple(values)},
    )  # fmt: skip


def _buckets(period: Period, *, by_day: bool) -> list[date]:
    if by_day:
        return [period.first + timedelta(days=n) for n in range(period.days)]
    found = [period.first.replace(day=1)]
    while (following := next_month(found[-1])) <= period.last:
        found.append(following)
    return found


def money(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return opening, what added to the value of the shelf and took from it, and closing."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    given = choosing.variants(connection, filter)
    over_time = by in _OVER_TIME
    found = _by_time(connection, period, given, by) if over_time else _by_variant(connection, period, given, by)
    is_month = by is Grain.MONTH
    names = (Column(name="month", title="Month") if is_month else Column(name="day", title="Day", kind=Kind.DAY),)
    columns = (
        *(names if over_time else choosing.names(by)),
        Column(name="opening", title="At the start", kind=Kind.MONEY, about="Value when it began"),
        Column(
            name="purchases",
            title="Purchases",
            kind=Kind.MONEY,
            about="What receipts cost, less those sent back or undone",
        ),
        Column(name="cost_of_sales", title="Cost of sales", kind=Kind.MONEY, about="Units sold, at their average cost"),
        Column(name="restored", title="Put back", kind=Kind.MONEY, about="Units put back on the shelf after a refund"),
        Column(name="lost", title="Lost", kind=Kind.MONEY, about="Damaged, lost, stolen; what was undone is no loss"),
        Column(name="adjusted", title="Adjusted", kind=Kind.MONEY, about="All other adjustments, such as samples"),
        Column(name="counted", title="Counts", kind=Kind.MONEY, about="What counts found and missed"),
        Column(name="cost_changes", title="Cost changes", kind=Kind.MONEY, about="Costs that were set or became known"),
        Column(name="closing", title="At the end", kind=Kind.MONEY, about="Value when it ended"),
    )
    rows = tuple((*((f"{cells[0]:%Y-%m}",) if is_month else cells), *_cells(values)) for cells, values, _ in found)
    totals = choosing.total(rows, columns)
    if over_time and rows:
        totals = (None, rows[0][1], *totals[2:-1], rows[-1][-1])
    uncosted = sum(values["uncosted"] for _, values, _ in found)
    return Table(
        columns=columns,
        rows=rows,
        totals=totals,
        links=() if over_time else tuple(link for _, _, link in found),
        chart=_chart([cells[0] for cells, _, _ in found], rows, over_time=over_time),
        note=f"{uncosted:,} units moved without a known cost and are not in the money." if uncosted else "",
        currency=reports.shop(connection, actor).currency,
    )


Found = list[tuple[tuple[Any, ...], dict[str, Any], Link | None]]


def _cells(values: dict[str, Any]) -> tuple[Decimal, ...]:
    """Return opening, what each part did to the value, and closing. Cost of sales and losses are positive."""
    signed = {name: values[name] for name in _PARTS}
    signed["sales"], signed["losses"] = -signed["sales"], -signed["losses"]
    return (values["opening"], *signed.values(), values["opening"] + values["total"])


def _by_variant(connection: Connection, period: Period, given: list[UUID] | None, by: Grain) -> Found:
    moved, start = parts(period, given, by_day=False), opening(period.first, given)
    merged = (
        select(moved.c.variant_id, *(func.sum(moved.c[name]).label(name) for name in (*_PARTS, "total", "uncosted")))
        .group_by(moved.c.variant_id)
        .subquery("merged")
    )
    both = (
        select(
            func.coalesce(merged.c.variant_id, start.c.variant_id).label("variant_id"), start.c.value.label("opening"),
            *(merged.c[name] for name in (*_PARTS, "total", "uncosted")),
        )
        .select_from(merged.outerjoin(start, start.c.variant_id == merged.c.variant_id, full=True))
        .subquery("both")
    )  # fmt: skip
    names = ("opening", *_PARTS, "total", "uncosted")
    sums: dict[str, Any] = {name: whole(both.c[name]) for name in names}
    query = choosing.summed(both, by, **sums)
    found = [row for row in connection.execute(query) if any(getattr(row, name) for name in names)]
    found.sort(key=lambda row: (row.sales, choosing.sorted_by(row, by)))
    return [
        (choosing.named(row, by), {name: getattr(row, name) for name in names}, choosing.link(row, by)) for row in found
    ]


def _by_time(connection: Connection, period: Period, given: list[UUID] | None, by: Grain) -> Found:
    moved = parts(period, given, by_day=by is Grain.CALENDAR_DAY)
    start = opening(period.first, given)
    value = connection.execute(select(whole(start.c.value))).scalar_one()
    names = (*_PARTS, "total", "uncosted")
    rows = connection.execute(
        select(moved.c.bucket, *(func.sum(moved.c[name]).label(name) for name in names))
        .group_by(moved.c.bucket)
        .order_by(moved.c.bucket)
    )
    found: Found = []
    for row in rows:
        values = {name: getattr(row, name) for name in names} | {"opening": value}
        value += row.total
        found.append(((row.bucket,), values, None))
    return found


def _chart(names: list[Any], rows: tuple[tuple[Any, ...], ...], *, over_time: bool) -> Chart:
    """Return cost of sales and losses, over time or of the first rows."""
    shown = rows if over_time else rows[:CHARTED]
    sold, lost = (tuple(float(row[-9 + place]) for row in shown) for place in (2, 4))
    return Chart(
        title="Cost of sales and losses",
        kind=Kind.MONEY,
        names=tuple(name or choosing.NO_BRAND for name in names[: len(shown)]),
        series={"Cost of sales": sold, "Lost": lost},
    )


GRAINS = (Grain.PRODUCT, Grain.VARIANT, Grain.BRAND)
SHELF = Report(
    name="value",
    title="Value of the shelf",
    about=(
        "What the units on hand were worth when the period ended, at average cost: what receipts cost, averaged over "
        "all units of a variant. Choose the last day to look at any day of the past."
    ),
    run=shelf,
    grains=GRAINS,
    permission=Permission.SEE_MONEY,
    nothing="Nothing was on hand when the period ended.",
)
MONEY = Report(
    name="money",
    title="Cost of sales and losses",
    about=(
        "What the shelf was worth at the start, what purchases added, what was sold, put back, lost and counted, and "
        "what it was worth at the end, all at average cost."
    ),
    run=money,
    grains=(Grain.MONTH, Grain.CALENDAR_DAY, Grain.BRAND, Grain.PRODUCT, Grain.VARIANT),
    permission=Permission.SEE_MONEY,
)
