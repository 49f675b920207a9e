"""The table of a report: its cells, its pages, and the way from a row to where one acts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import streamlit as st
from streamlit.column_config import DateColumn, NumberColumn, TextColumn

from core.reports.model import Column, Kind, Link, Table
from dashboard.frame import columns, links, lists, tables, words
from dashboard.language import formats
from dashboard.language.said import label, translated
from dashboard.language.texts import tr

PAGE_ROWS = 50
PAGE = "rep_page"
_GO = "_rep_go"
_LEAST, _NARROW = 130, 104
_WIDTHS = {"sku": 112, "size": 52, "color": 90, "brand": 88, "refund_reason": 150, "missing": 150, "in_stock": 150}
_NUMBERS = {Kind.PERCENT: "%.1f %%", Kind.DECIMAL: "plain", Kind.DAYS: "plain"}


def leave() -> None:
    """Open the page that a click on a row has asked for."""
    link: Link | None = st.session_state.pop(_GO, None)
    if link is not None:
        st.switch_page(links.PAGES / f"{link.page}.py", query_params=dict(link.query))


def show(table: Table, *, name: str) -> None:
    """Show one page of a table's rows; a click on the first cell of a row opens where one acts on it."""
    pages = -(-len(table.rows) // PAGE_ROWS)
    page = min(max(lists.number(st.query_params.get(PAGE, "1")) or 1, 1), max(pages, 1))
    first = (page - 1) * PAGE_ROWS
    rows, targets = table.rows[first : first + PAGE_ROWS], table.links[first : first + PAGE_ROWS]
    shown = _shown(table.columns, rows)
    widths = _widths([table.columns[place] for place in shown])
    head = table.columns[0]
    main = [each for each in table.main if each in widths] or list(widths)[-2:]
    wide = {
        column.name: _cells(column, [row[place] for row in rows], widths[column.name], table.currency)
        for place, column in enumerate(table.columns)
        if place in shown
    }
    narrow = {
        column.name: _cells(column, [row[place] for row in rows], _NARROW, table.currency)
        for place, column in enumerate(table.columns)
        if column.name in (head.name, *main)
    }
    columns.show(
        _opening(wide, head, rows, targets, widths[head.name]),
        _opening(narrow, head, rows, targets, _LEAST),
        key=columns.key_of(f"rep_{name}", rows, page),
        alt=tr("The rows of this report"),
        placeholder=words.NOTHING,
    )
    lists.show_pages(
        PAGE, str(page - 1) if page > 1 else None, str(page + 1) if page < pages else None,
        names=(tr("First"), tr("Previous"), tr("Next")), key="rep",
    )  # fmt: skip


def _opening(
    drawn: dict[str, Any], head: Column, rows: Sequence[Any], targets: Sequence[Link | None], width: int
) -> dict[str, Any]:
    """Return the columns with the first one as buttons, if its rows lead anywhere."""
    if not any(targets):
        return drawn
    names = [_text(head, row[0]) or words.NOTHING for row in rows]
    return {**drawn, head.name: (names, columns.opener(translated(head.title), width, targets, go))}


def _text(column: Column, value: Any) -> str:
    """Return a text of a table. The reasons of movements are labels of core, everything else is data."""
    text = "" if value is None else str(value)
    return label(text) if column.name == "reason" else text


def go(link: Link | None) -> None:
    """Open a page when this one is drawn again."""
    if link is not None:
        st.session_state[_GO] = link


def _shown(all_columns: Sequence[Column], rows: Sequence[Any]) -> list[int]:
    """Return the places of the columns to draw: without empty ones, and without a colour that the product names."""
    names = [column.name for column in all_columns]
    kept = [place for place in range(len(names)) if place == 0 or any(row[place] is not None for row in rows)]
    if "color" in names and "product" in names:
        color, product = names.index("color"), names.index("product")
        if all(str(row[color] or "").casefold() in str(row[product]).casefold() for row in rows):
            kept = [place for place in kept if place != color]
    return kept


def _widths(shown: Sequence[Column]) -> dict[str, int]:
    """Return the width of each column in pixels; the product, else the first one, has what the others leave."""
    widths = {column.name: _WIDTHS.get(column.name) or _width(column) for column in shown}
    wide = "product" if "product" in widths else shown[0].name
    others = sum(width for name, width in widths.items() if name != wide)
    return {**widths, wide: max(tables.TABLE_WIDTH - others, _LEAST)}


def _width(column: Column) -> int:
    if column.kind is Kind.TEXT:
        return _LEAST if len(translated(column.title)) > 10 else 92
    return max(64, 7 * len(translated(column.title)) + 22, 96 if column.kind in (Kind.MONEY, Kind.DAY) else 0)


def _cells(column: Column, values: list[Any], width: int, currency: str) -> tuple[Any, Any]:
    about = translated(column.about) or None
    if column.kind is Kind.TEXT:
        return [_text(column, value) for value in values], TextColumn(translated(column.title), width=width, help=about)
    if column.kind is Kind.MONEY:
        texts = [words.money(value, currency) for value in values]
        return texts, TextColumn(translated(column.title), width=width, alignment="right", help=about)
    if column.kind is Kind.DAY:
        return values, DateColumn(translated(column.title), width=width, help=about, format=formats.column_day())
    numbers = [float(value) if isinstance(value, Decimal) else value for value in values]
    form = _NUMBERS.get(column.kind, "localized")
    return numbers, NumberColumn(translated(column.title), width=width, help=about, format=form)


def said(value: Any, kind: Kind, currency: str) -> str:
    """Return a value as people read it in a sentence or above the table."""
    if value is None:
        return words.NOTHING
    if kind is Kind.MONEY:
        return words.round_money(Decimal(str(value)), currency)
    if kind is Kind.DAY:
        return words.day(value)
    if kind is Kind.PERCENT:
        return f"{value:.1f} %"
    if kind in (Kind.DECIMAL, Kind.DAYS):
        return words.number(round(float(value), 1))
    return words.number(value) if kind in (Kind.COUNT, Kind.UNITS) else str(value)
