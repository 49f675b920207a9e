"""The table of a report: its cells, its pages, and the way from a row to where one acts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import streamlit as st
from streamlit.column_config import DateColumn, NumberColumn, TextColumn

from core.reports.model import Column, Kind, Link, Table
from dashboard.frame import columns, links, lists, words

PAGE_ROWS = 50
PAGE = "rep_page"
_GO = "_rep_go"
_WIDE = ("product", "brand", "reason", "name")


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
    rows = table.rows[first : first + PAGE_ROWS]
    links_ = table.links[first : first + PAGE_ROWS]
    wide = {
        column.name: _cells(column, [row[place] for row in rows], table.currency)
        for place, column in enumerate(table.columns)
    }
    title = table.columns[0]
    if any(links_):
        names = [str(row[0] or words.NOTHING) for row in rows]
        wide[title.name] = (names, columns.opener(title.title, 150, links_, _go))
    narrow = {each: wide[each] for each in (title.name, *list(wide)[-2:])}
    columns.show(
        wide, narrow, key=columns.key_of(f"rep_{name}", rows), alt=f"{name}, row by row", placeholder=words.NOTHING
    )
    lists.show_pages(
        PAGE, str(page - 1) if page > 1 else None, str(page + 1) if page < pages else None,
        names=("First", "Previous", "Next"), key="rep",
    )  # fmt: skip


def _go(link: Link | None) -> None:
    if link is not None:
        st.session_state[_GO] = link


def _cells(column: Column, values: list[Any], currency: str) -> tuple[Any, Any]:
    about = column.about or None
    if column.kind is Kind.TEXT:
        width = 150 if column.name in _WIDE else 90
        return ["" if value is None else str(value) for value in values], TextColumn(
            column.title, width=width, help=about
        )
    if column.kind is Kind.MONEY:
        texts = [words.money(value, currency) for value in values]
        return texts, TextColumn(column.title, width=100, alignment="right", help=about)
    if column.kind is Kind.DAY:
        return values, DateColumn(column.title, width=100, help=about)
    form = {Kind.PERCENT: "%.1f %%", Kind.DECIMAL: "%.2f", Kind.DAYS: "%.1f"}.get(column.kind, "localized")
    numbers = [float(value) if isinstance(value, Decimal) else value for value in values]
    return numbers, NumberColumn(column.title, width=90, help=about, format=form)


def said(value: Any, kind: Kind, currency: str) -> str:
    """Return a value as people read it."""
    if value is None:
        return words.NOTHING
    said_: Mapping[Kind, str] = {Kind.PERCENT: f"{value:.1f} %"} if kind is Kind.PERCENT else {}
    if kind is Kind.MONEY:
        return words.money(value, currency)
    if kind is Kind.DAY:
        return words.day(value)
    if kind in (Kind.DECIMAL, Kind.DAYS):
        return words.number(round(float(value), 1))
    return said_.get(kind) or (words.number(value) if kind in (Kind.COUNT, Kind.UNITS) else str(value))
