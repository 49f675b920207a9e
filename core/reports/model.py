"""What a report is made of: its description, and the table that it returns. Plain values, without a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Connection

from core.foundation.model import Actor
from core.people.access import Permission
from core.reports.periods import Period


class Kind(StrEnum):
    """What the values of a column are. Money is in the shop's currency; a percentage is 0 to 100."""

    TEXT = "text"
    COUNT = "count"
    UNITS = "units"
    DECIMAL = "decimal"
    PERCENT = "percent"
    MONEY = "money"
    DAY = "day"
    DAYS = "days"


class Grain(StrEnum):
    """What one row of a report is about."""

    PRODUCT = "product"
    VARIANT = "variant"
    BRAND = "brand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which variants a report is about, and what its rows are. `product`: words that name it, or a SKU.

    `by` None is the first of the report's grains.
    """

    brand: str | None = None
    product: str = ""
    by: Grain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name in files, its title on pages, and what its values are. `about` says more."""

    name: str
    title: str
    kind: Kind = Kind.TEXT
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where one acts on a row: a page and its query."""

    page: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart: horizontal bars for each name, the first at the top, or a line over days where the names are days.

    Each series has a value for each name.
    """

    title: str
    kind: Kind
    names: tuple[str | date, ...]
    series: Mapping[str, tuple[float | None, ...]]

    @property
    def is_over_time(self) -> bool:
        """Whether its names are days."""
        return bool(self.names) and isinstance(self.names[0], date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The result of a report: all of its rows, in its order.

    `totals` has a value, or None, for each column; `links` one link, or None, for each row. `note` says what the
    numbers leave out. `main`: the two columns that a phone shows beside the first one; the last two if empty.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    totals: tuple[Any, ...]
    chart: Chart | None = None
    links: tuple[Link | None, ...] = ()
    note: str = ""
    currency: str = ""
    main: tuple[str, ...] = ()

    def without(self, *kinds: Kind) -> Table:
        """Return the table without the columns of some kinds, and without a chart of one."""
        kept = [place for place, column in enumerate(self.columns) if column.kind not in kinds]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in self.rows),
            totals=tuple(self.totals[place] for place in kept),
            chart=None if self.chart and self.chart.kind in kinds else self.chart,
        )

    def column(self, name: str) -> tuple[Any, ...]:
        """Return the values of one column."""
        place = [each.name for each in self.columns].index(name)
        return tuple(row[place] for row in self.rows)


class Run(Protocol):
    """Computes a report. `filter.by` is one of its grains if it has any."""

    def __call__(self, connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
        """Return the table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report: its name in addresses, its title, what it means and how it is computed, and the function that does.

    `grains`: what its rows can be. `has_period`: whether it is about a period, else about now. `nothing`: what to say
    without rows.
    """

    name: str
    title: str
    about: str
    run: Run
    grains: tuple[Grain, ...] = ()
    has_period: bool = True
    permission: Permission = Permission.VIEW
    nothing: str = field(default="Choose a longer period or remove a filter.")
