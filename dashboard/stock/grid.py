"""The size grids on the Stock page: a row for each product, a column for each size, and whether sizes are missing.

Men's, women's and kids' sizes have a grid each, with the sizes of its own products alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.catalog.size_runs import size_order
from core.ledger.size_grid import Fit, GridRow, Run, runs
from dashboard.frame import columns, tables
from dashboard.language.texts import inside, lazy, marked, tr

PAGE_ROWS = 25
ONE_SIZE = marked("One size")
FITS = lazy(
    {
        Fit.WOMEN: "Women's sizes",
        Fit.MEN: "Men's sizes",
        Fit.KIDS: "Kids' sizes",
        Fit.OTHERS: "Other sizes",
        Fit.LETTERS: "Sizes in letters",
        Fit.ONE: "One size",
    }
)
_RED = "#D64545"  # readable on light and on dark
_RUNS = lazy({Run.FULL: "Full", Run.BROKEN: "Broken", Run.OUT: "Out"})
_RUN_COLOURS = marked({"Full": "green", "Broken": "orange", "Out": "red"})


def show(rows: Sequence[GridRow], *, key: str, pick: Callable[[str], None]) -> None:
    """Show products by sizes; a click on a number calls `pick` with its SKU. `key` must change with page and filter."""
    found = runs(rows)
    for fit, part in found.items():
        if len(found) > 1:
            st.subheader(FITS[fit], anchor=False)
        _show_run(
            part,
            key=f"{key}_{fit}",
            pick=pick,
            alt=tr("Available units by product and size: {fits}", fits=inside(FITS[fit])),
        )


def _show_run(rows: Sequence[GridRow], *, key: str, pick: Callable[[str], None], alt: str) -> None:
    sizes = _sizes(rows)
    st.dataframe(
        _coloured(_grid(rows, sizes), [f"size {size}" for size in sizes]),
        column_config=_columns(sizes, tables.fitting((row.product for row in rows), 120, 280)),
        hide_index=True,
        height="content",
        row_height=columns.ROW_HEIGHT,
        key=f"{key}_grid",
        on_select=lambda: _picked(f"{key}_grid", rows, pick),
        selection_mode="single-cell",
        placeholder="",
        alt=alt,
    )


def _sizes(rows: Sequence[GridRow]) -> list[str]:
    found = {variant.size for row in rows for variant in row.variants}
    return [size or tr(ONE_SIZE) for size in sorted(found, key=size_order)]


def _grid(rows: Sequence[GridRow], sizes: Sequence[str]) -> pd.DataFrame:
    cells: dict[str, Any] = {
        "product": [row.product for row in rows],
        "run": [[_RUNS[row.run]] for row in rows],
        "sizes": [tr("{in_stock} of {variants}", in_stock=row.in_stock, variants=len(row.variants)) for row in rows],
    }
    for size in sizes:
        cells[f"size {size}"] = pd.array([_available(row, size) for row in rows], dtype="Int64")
    return pd.DataFrame(cells)


def _coloured(grid: pd.DataFrame, names: list[str]) -> Any:
    return grid.style.map(_out_is_red, subset=pd.Index(names))


def _out_is_red(units: Any) -> str:
    return f"color: {_RED}; font-weight: 600" if pd.notna(units) and units == 0 else ""


def _available(row: GridRow, size: str) -> int | None:
    found = [variant.available for variant in row.variants if (variant.size or ONE_SIZE) == size]
    return sum(found) if found else None


def _columns(sizes: Sequence[str], product: int) -> dict[str, Any]:
    return {
        "product": TextColumn(tr("Product"), width=product, pinned=True),
        "run": columns.tags(tr("Size run"), 80, _RUN_COLOURS),
        "sizes": TextColumn(tr("In stock"), width=96, help=tr("Sizes with available units")),
        **{f"size {size}": NumberColumn(size, width=48 if len(size) < 6 else 88) for size in sizes},
    }


def _picked(key: str, rows: Sequence[GridRow], pick: Callable[[str], None]) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if not cells:
        return
    position, column = cells[0]
    size = str(column).removeprefix("size ")
    for variant in rows[position].variants:
        if (variant.size or ONE_SIZE) == size:
            pick(variant.sku)
            return
