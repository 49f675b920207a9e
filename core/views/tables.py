"""A view of Reports in a mail: the report's totals, its first rows and its chart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from core.carts.values import minor_digits
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.ledger import reports
from core.reports import menu
from core.reports.model import Chart as ReportChart
from core.reports.model import Column, Filter, Kind, Table
from core.reports.periods import Period
from core.views.pages import chosen
from core.views.sections import MOST_ROWS, Chart, Section, day, first

UNITS = {Kind.UNITS: "units", Kind.PERCENT: "%", Kind.DAYS: "days"}


def section(connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]) -> Section:
    """Return a view of Reports as a section. Raises Forbidden, and InvalidInput where it names no report."""
    report = menu.REPORTS.get(chosen(values, menu.REPORT))
    if report is None:
        raise invalid("view", "names no report that can be mailed")
    today = reports.shop(connection, actor).today
    wanted = menu.read({name: given[0] for name, given in values.items()}, today)
    table = menu.run(connection, actor, name=report.name, period=wanted.period, filter=wanted.filter)
    rows, more = first([_row(row, table) for row in table.rows])
    period = f" {_period(wanted.period)}" if report.has_period else " As of now."
    return Section(
        title=title,
        path=path,
        about=f"{report.title}.{period}{_narrowed(wanted.filter)}",
        facts=tuple(
            (column.title, written(value, column.kind, table.currency))
            for column, value in zip(table.columns, table.totals, strict=True)
            if value is not None
        ),
        columns=tuple(column.title for column in table.columns),
        rows=rows,
        more=more,
        chart=_chart(table.chart, table.currency) if table.chart else None,
    )


def _period(period: Period) -> str:
    return f"{day(period.first)} to {day(period.last)}."


def _narrowed(wanted: Filter) -> str:
    parts = [f"brand {wanted.brand}" if wanted.brand else "", f"product {wanted.product}" if wanted.product else ""]
    said = ", ".join(filter(None, parts))
    return f" Filter: {said}." if said else ""


def _row(row: tuple[Any, ...], table: Table) -> tuple[str, ...]:
    columns: tuple[Column, ...] = table.columns
    return tuple(
        written(value, column.kind, table.currency) for value, column in zip(row, columns, strict=True)
    )  # fmt: skip


def written(value: Any, kind: Kind, currency: str) -> str:
    """Return a value of a report as a mail writes it."""
    if value is None:
        return ""
    match kind:
        case Kind.MONEY:
            return f"{Decimal(value):,.{minor_digits(currency)}f} {currency}".replace("-", "−")  # noqa: RUF001
        case Kind.PERCENT:
            return f"{value:.1f} %"
        case Kind.DAY:
            return day(value)
        case Kind.DAYS:
            return f"{float(value):,.1f}"
        case Kind.DECIMAL:  # such as units that are sold on a day
            return f"{float(value):,.3f}".rstrip("0").rstrip(".")
        case Kind.UNITS | Kind.COUNT:
            return f"{value:,}".replace("-", "−")  # noqa: RUF001
    return str(value)


def _chart(found: ReportChart, currency: str) -> Chart | None:
    if not found.names or not any(value for values in found.series.values() for value in values):
        return None
    shown = slice(None) if found.is_over_time else slice(MOST_ROWS)
    return Chart(
        title=found.title,
        unit=currency if found.kind is Kind.MONEY else UNITS.get(found.kind, ""),
        labels=tuple(day(name) if isinstance(name, date) else str(name) for name in found.names[shown]),
        series={name: tuple(float(value or 0) for value in values[shown]) for name, values in found.series.items()},
        across=not found.is_over_time,
    )
