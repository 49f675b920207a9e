"""Reports about what sells: sell-through."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, FromClause, func

from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.choosing import whole
from core.reports.model import Chart, Column, Filter, Grain, Kind, Report, Table
from core.reports.periods import Period

CHARTED = 15
"""Rows of a chart; the table has all."""
_FLOWS = ("opening", "received", "sold", "restored", "adjusted", "counted", "closing")


def flows(connection: Connection, period: Period, wanted: Filter) -> FromClause:
    """Return what each variant had, received, sold and got back in a period, to build queries over."""
    given = choosing.variants(connection, wanted)
    found = func.stockroom_api.variant_flows(period.first, period.last, given)
    return found.table_valued("variant_id", *_FLOWS)


def sell_through(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what was sold of what there was to sell."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    source = flows(connection, period, filter)
    query = choosing.summed(source, by, **{name: whole(source.c[name]) for name in _FLOWS})
    found = [row for row in connection.execute(query) if row.opening or row.received or row.sold or row.restored]
    found.sort(key=lambda row: (-_rate(row), -row.sold, choosing.named(row, by)[0]))
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
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _rate(row: Any) -> float:
    return _part(row.sold - row.restored, row.closing)


def _part(kept: int, closing: int) -> float:
    """Return which percentage of the units sold and the units left was sold."""
    kept = max(kept, 0)
    return round(100 * kept / (kept + closing), 1) if kept else 0.0


SELL_THROUGH = Report(
    name="sell-through",
    title="Sell-through",
    about=(
        "How much of what there was to sell has been sold: units sold less units put back, divided by the same plus "
        "the units on hand at the end of the period."
    ),
    run=sell_through,
    grains=(Grain.PRODUCT, Grain.VARIANT, Grain.BRAND),
)
