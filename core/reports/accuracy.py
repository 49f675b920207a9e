"""The report about how right the levels were when people counted."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Kind, Link, Report, Table
from core.reports.periods import Period


def counts(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the counts that were applied, each with how many lines and units were right."""
    require(connection, actor, Permission.VIEW)
    given = choosing.variants(connection, filter)
    source = func.stockroom_api.counts_between(period.first, period.last, given).table_valued(
        "count_id", "name", "ended_on", "lines", "right_lines", "expected", "off", "net", "off_money", "net_money"
    )
    found = list(connection.execute(select(source).order_by(source.c.ended_on.desc(), source.c.count_id.desc())))
    columns = (
        Column(name="name", title="Count"),
        Column(name="ended_on", title="Applied on", kind=Kind.DAY),
        Column(name="lines", title="Lines", kind=Kind.COUNT, about="Variants that were counted"),
        Column(name="right_lines", title="Right", kind=Kind.COUNT, about="Lines without a variance"),
        Column(name="lines_part", title="Lines right", kind=Kind.PERCENT),
        Column(name="expected", title="Expected", kind=Kind.UNITS, about="Units on hand at the counted second"),
        Column(name="off", title="Off", kind=Kind.UNITS, about="The variances without their signs"),
        Column(name="net", title="Net", kind=Kind.UNITS, about="The variances with their signs"),
        Column(name="units_part", title="Units right", kind=Kind.PERCENT),
        Column(name="off_money", title="Off in money", kind=Kind.MONEY, about="At cost, else at the price"),
    )
    rows = tuple(
        (row.name, row.ended_on, row.lines, row.right_lines, _part(row.right_lines, row.lines), row.expected, row.off,
         row.net, _part(row.expected - row.off, row.expected), row.off_money)
        for row in found
    )  # fmt: skip
    sums = choosing.total(rows, columns)
    lines, right, expected, off = (sums[place] for place in (2, 3, 5, 6))
    totals = (*sums[:4], _part(right, lines), *sums[5:8], _part(expected - off, expected), sums[9])
    return Table(
        columns=columns,
        rows=rows,
        totals=totals,
        links=tuple(Link(page="counts", query={"count": str(row.count_id)}) for row in found),
        chart=_chart(found),
        main=("lines_part", "units_part"),
        currency=reports.shop(connection, actor).currency,
    )


def _chart(found: list[Any]) -> Chart:
    days: dict[date, list[int]] = {}
    for row in reversed(found):
        sums = days.setdefault(row.ended_on, [0, 0, 0, 0])
        for place, value in enumerate((row.right_lines, row.lines, row.expected - row.off, row.expected)):
            sums[place] += value
    return Chart(
        title="Lines and units that were right, by day", kind=Kind.PERCENT, names=tuple(days),
        series={
            "Lines": tuple(_part(sums[0], sums[1]) for sums in days.values()),
            "Units": tuple(_part(sums[2], sums[3]) for sums in days.values()),
        },
    )  # fmt: skip


def _part(right: int, among: int) -> float | None:
    return round(max(100 * right / among, 0), 1) if among else None


COUNTS = Report(
    name="counts",
    title="Accuracy of counts",
    about=(
        "How right the levels were in the counts that were applied in the period: lines without a variance, and units "
        "that were not off. Counts that were undone are left out."
    ),
    run=counts,
    nothing="No count was applied in this period.",
)
