"""A view of Stock in a mail: how many variants and units, what is low or out, and the first rows."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from core.foundation.model import Actor, LevelRow, LevelState
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelSort, LevelStatus, matching
from core.people.access import Permission
from core.people.guard import require
from core.views.pages import chosen
from core.views.sections import MOST_ROWS, Chart, Section

STATUSES = {
    LevelStatus.ALL: "All",
    LevelStatus.HEALTHY: "In stock",
    LevelStatus.LOW: "Low",
    LevelStatus.OUT: "Out of stock",
    LevelStatus.RESERVED: "Reserved",
    LevelStatus.INACTIVE: "Inactive",
}
"""The choices of the page, as its address names them."""
SORTS = {
    LevelSort.PRODUCT: "By product",
    LevelSort.SKU: "By SKU",
    LevelSort.LEAST: "Least available first",
    LevelSort.MOST: "Most available first",
    LevelSort.MOVED: "Last moved first",
    LevelSort.COUNTED: "Longest not counted first",
    LevelSort.SHELF: "By shelf place",
}


def filter_of(values: Mapping[str, list[str]]) -> LevelFilter:
    """Return the filter that the address of the page names."""
    status = _choice(chosen(values, "stk_status"), STATUSES) or LevelStatus.ALL
    return LevelFilter(
        search=chosen(values, "stk_q"), status=status, brand=chosen(values, "stk_brand") or None,
        shelf=chosen(values, "stk_shelf") or None,
    )  # fmt: skip


def _choice(text: str, choices: Mapping[LevelStatus, str]) -> LevelStatus | None:
    return next((each for each, label in choices.items() if text.casefold() in (each.value, label.casefold())), None)


def sort_of(values: Mapping[str, list[str]]) -> LevelSort:
    """Return the order that the address of the page names."""
    text = chosen(values, "stk_sort").casefold()
    found = (each for each, label in SORTS.items() if text in (each.value, label.casefold()))
    return next(found, LevelSort.PRODUCT)


def section(connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]) -> Section:
    """Return a view of Stock as a section of a mail."""
    require(connection, actor, Permission.VIEW)
    wanted = filter_of(values)
    page = reports.levels(connection, actor, filter=wanted, sort=sort_of(values), limit=MOST_ROWS)
    rows = matching(wanted).subquery()
    states = func.count().filter
    variants, on_hand, available, low, out = connection.execute(
        select(
            func.count(), func.coalesce(func.sum(rows.c.on_hand), 0), func.coalesce(func.sum(rows.c.available), 0),
            states(rows.c.state == LevelState.LOW), states(rows.c.state == LevelState.OUT),
        )
    ).one()  # fmt: skip
    facts = {"Variants": variants, "Units on hand": on_hand, "Available": available, "Low": low, "Out of stock": out}
    return Section(
        title=title,
        path=path,
        about=f"Stock. {_about(wanted)}",
        facts=tuple((name, f"{number:,}") for name, number in facts.items()),
        columns=("SKU", "Variant", "On hand", "Available", "Reorder at", "Status"),
        rows=tuple(map(_row, page.rows)),
        more=max(page.total - len(page.rows), 0),
        chart=_chart(page.rows),
    )


def _about(wanted: LevelFilter) -> str:
    parts = [
        f"search “{wanted.search}”" if wanted.search.strip() else "",
        f"status {STATUSES[wanted.status].lower()}" if wanted.status is not LevelStatus.ALL else "",
        f"brand {wanted.brand}" if wanted.brand else "",
        f"shelf {wanted.shelf}" if wanted.shelf else "",
    ]
    said = ", ".join(filter(None, parts))
    return f"Filter: {said}." if said else "Every active variant."


def named(row: LevelRow) -> str:
    """Return a variant by product, size and colour."""
    colour = row.color if row.color and row.color.casefold() not in row.product.casefold() else None
    return ", ".join(filter(None, (row.product, row.size and f"size {row.size}", colour)))


def _row(row: LevelRow) -> tuple[str, ...]:
    status = STATUSES[LevelStatus(row.state)] if row.is_active else STATUSES[LevelStatus.INACTIVE]
    return (row.sku, named(row), f"{row.on_hand:,}", f"{row.available:,}", f"{row.reorder_point:,}", status)


def _chart(rows: tuple[LevelRow, ...]) -> Chart | None:
    if not any(row.available for row in rows):
        return None
    return Chart(
        title="Units available of the first variants" if len(rows) > 1 else "Units available",
        unit="units",
        labels=tuple(row.sku for row in rows),
        series={"Available": tuple(float(row.available) for row in rows)},
        across=True,
    )
