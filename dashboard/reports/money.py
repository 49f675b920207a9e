"""The accountant's month: what moved in it, in units and money, and its file."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from core.foundation.model import Actor, Shop
from core.ledger import reports
from core.reports import menu
from core.reports.model import Filter, Grain
from core.reports.money import MONEY
from core.reports.periods import Period
from core.valuation import month_file
from core.valuation.month import next_month
from core.valuation.month_file import Format
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.frame import words
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import lazy, marked, tr
from dashboard.reports import cells, desk

NAME = "month"
TITLE = marked("Month for the accountant")
ABOUT = marked(
    "Each variant's opening, purchases, sales, losses, counts and closing in a month that is over, in units and money, "
    "with the head hash of the ledger. The administrator can prove the file later and name what came into it since."
)
PARAM = "rep_month"
MONTHS = 24
_FILES = lazy(
    {
        Format.XLSX: ("As Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Format.PARQUET: ("As Parquet", "application/vnd.apache.parquet"),
    }
)


def show(person: Actor) -> None:
    """Show a month by brand, and offer its file."""
    shop = session.run(reports.shop)
    months = _months(shop)
    offered = {f"{first:%Y-%m}": formats.month(first) for first in months}
    first = date.fromisoformat(f"{desk.choose(tr('Month'), PARAM, offered, usual=next(iter(offered)))}-01")
    period = Period(first=first, last=next_month(first) - timedelta(days=1))
    with st.container(horizontal=True, gap="small", key="rep_month_files"):
        for format_, (label, mime) in _FILES.items():
            st.download_button(
                label, session.later(month_file.of, month=first, format=format_), f"month-{first:%Y-%m}.{format_}",
                mime, key=f"rep_month_{format_}", on_click="ignore", icon=":material/download:",
                type="primary" if format_ is Format.XLSX else "secondary",
            )  # fmt: skip
    st.caption(tr("The file has a row for each variant. The table below sums them by brand."))
    table = session.run(menu.run, name=MONEY.name, period=period, filter=Filter(by=Grain.BRAND))
    if not table.rows:
        frame.empty(tr("Nothing moved in this month"), tr("Choose another month."), icon=":material/query_stats:")
        return
    desk.show_totals(table)
    if table.note:
        st.caption(words.plain(translated(table.note)))
    cells.show(table, name=NAME)


def _months(shop: Shop) -> list[date]:
    """Return the first days of the months that are over, the last one first."""
    found = [(shop.today.replace(day=1) - timedelta(days=1)).replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found
