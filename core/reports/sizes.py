"""The report about size runs that have gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from core.catalog.size_runs import size_order
from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.level_filter import LEVELS
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Grain, Kind, Link, Report, Table
from core.reports.periods import Period
from core.reports.selling import CHARTED, flows

Run = Sequence[Row[Any]]


def size_runs(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the products that lack a size between two others, the most wanted first."""
    require(connection, actor, Permission.VIEW)
    found = [(run, gaps) for run in _runs(connection, period, filter) if (gaps := missing(run))]
    found.sort(key=lambda each: (-_sold(each[1]), -len(each[1]), str(each[0][0].product), str(each[0][0].color or "")))
    columns = (
        *choosing.names(Grain.PRODUCT),
        Column(name="color", title="Color"),
        Column(name="missing", title="Missing sizes"),
        Column(name="in_stock", title="Sizes in stock"),
        Column(name="sizes", title="Sizes", kind=Kind.COUNT, about="How many sizes it has"),
        Column(
            name="sold", title="Sold of the missing", kind=Kind.UNITS, about="Units of the missing sizes in the period"
        ),
        Column(
            name="available", title="Left of the others", kind=Kind.UNITS, about="Available units of the other sizes"
        ),
    )
    rows = tuple(
        (
            run[0].product, run[0].brand, run[0].color, ", ".join(row.size for row in gaps),
            ", ".join(row.size for row in run if row.available > 0), len(run), _sold(gaps),
            sum(max(row.available, 0) for row in run),
        )
        for run, gaps in found
    )  # fmt: skip
    shown = [each for each in found if _sold(each[1])][:CHARTED]
    return Table(
        columns=columns,
        rows=rows,
        totals=tuple(
            value if column.name in ("sold", "available") else None
            for column, value in zip(columns, choosing.total(rows, columns), strict=True)
        ),
        links=tuple(Link(page="stock", query={"stk_q": run[0].product, "stk_view": "Sizes"}) for run, _ in found),
        chart=Chart(
            title="Units sold of sizes that are missing now", kind=Kind.UNITS,
            names=tuple(f"{run[0].product}, {', '.join(row.size for row in gaps)}" for run, gaps in shown),
            series={"Sold": tuple(_sold(gaps) for _, gaps in shown)},
        ),
        main=("missing", "sold"),
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _runs(connection: Connection, period: Period, wanted: Filter) -> list[Run]:
    """Return the active variants that have a size, by product and colour, each run in the order of its sizes."""
    source = flows(connection, period, wanted)
    query = (
        select(LEVELS.c.product_id, LEVELS.c.product, LEVELS.c.brand, LEVELS.c.color, LEVELS.c.size, LEVELS.c.available,
               source.c.sold)
        .join(source, source.c.variant_id == LEVELS.c.variant_id)
        .where(LEVELS.c.is_active, LEVELS.c.size.is_not(None))
    )  # fmt: skip
    found: dict[tuple[Any, Any], list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault((row.product_id, row.color), []).append(row)
    return [sorted(run, key=lambda row: size_order(row.size)) for run in found.values()]


def missing(run: Run) -> Run:
    """Return the sizes between the smallest and the largest that cannot be sold while another one can."""
    if not any(row.available > 0 for row in run):
        return []
    return [row for row in run[1:-1] if row.available <= 0]


def _sold(gaps: Run) -> int:
    return sum(row.sold for row in gaps)


SIZE_RUNS = Report(
    name="size-runs",
    title="Broken size runs",
    about=(
        "Products that lack a size between their smallest and their largest now, while other sizes can be sold. The "
        "products whose missing sizes sold most in the period come first."
    ),
    run=size_runs,
    nothing="No product lacks a size between its smallest and its largest.",
)
