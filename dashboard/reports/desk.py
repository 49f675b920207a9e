"""Any report of core as a page: filters, totals, chart, table, link and export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import streamlit as st

from core.foundation.model import Actor, Shop
from core.ledger import reports
from core.reports import files, menu
from core.reports.files import Format
from core.reports.menu import BRAND, BY, FIRST, LAST, PRODUCT, SPAN, Wanted
from core.reports.model import Chart, Filter, Grain, Report, Table
from core.reports.periods import Span
from dashboard.door import session
from dashboard.frame import lists, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import lazy, tr
from dashboard.reports import cells, drawing

SPANS: Mapping[str, str] = lazy(
    {
        Span.WEEK: "Last 7 days",
        Span.MONTH: "Last 30 days",
        Span.QUARTER: "Last 90 days",
        Span.YEAR: "Last 365 days",
        Span.THIS_MONTH: "This month",
        Span.LAST_MONTH: "Last month",
        Span.THIS_YEAR: "This year",
        Span.OWN: "From and to",
    }
)
GRAINS: Mapping[str, str] = lazy({
    Grain.PRODUCT: "Products", Grain.VARIANT: "Variants", Grain.BRAND: "Brands", Grain.MONTH: "Months",
    Grain.CALENDAR_DAY: "Days",
})  # fmt: skip
FORMATS = lazy(
    {
        Format.CSV: ("As CSV", "text/csv"),
        Format.XLSX: ("As Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Format.PARQUET: ("As Parquet", "application/vnd.apache.parquet"),
    }
)
_FILTERS = lists.Filters(empty={BRAND: None, PRODUCT: ""}, cursor=cells.PAGE)


def show(report: Report, person: Actor) -> None:
    """Draw a report under the filters of the address."""
    shop = session.run(reports.shop)
    wanted = show_filters(report, shop)
    table = session.run(menu.run, name=report.name, period=wanted.period, filter=wanted.filter)
    show_table(report.name, table, _head(report, wanted, table), translated(report.nothing), wanted)


def show_filters(report: Report, shop: Shop) -> Wanted:
    """Draw the filters of a report and return what they ask for."""
    query: dict[str, str] = {}
    bound = _FILTERS.bound
    with st.grid(5, min_column_width=150, gap="small", key="rep_filters"):
        if report.has_period:
            query[SPAN] = choose(tr("Period"), SPAN, SPANS, usual=Span.QUARTER)
            if query[SPAN] == Span.OWN:
                for label, key in ((tr("From"), FIRST), (tr("To"), LAST)):
                    query[key] = _text(st.date_input(label, None, key=key, format=formats.date_input(), **bound))
        brands = lists.offered(session.run(reports.brands), BRAND)
        query[BRAND] = st.selectbox(tr("Brand"), brands, index=None, placeholder=tr("Any"), key=BRAND, **bound) or ""
        query[PRODUCT] = st.text_input(tr("Product or SKU"), key=PRODUCT, placeholder=tr("Any"), **bound) or ""
        if len(report.grains) > 1:
            offered = {str(grain): GRAINS[grain] for grain in report.grains}
            query[BY] = choose(tr("Rows"), BY, offered, usual=report.grains[0])
    return menu.read(query, shop.today)


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def choose(
    label: str, param: str, options: Mapping[str, str], *, usual: str, width: int | None = None
) -> str:  # fmt: skip
    """Draw a choice whose code is in the address, whatever the language of its label, and return the code."""
    key = f"{param}_pick"
    codes = list(map(str, options))  # Streamlit would take a member of an enumeration for one of a reloaded module
    now = st.query_params.get(param, usual)
    st.session_state[key] = str(now if now in codes else usual or codes[0])

    def changed() -> None:
        code = str(st.session_state[key])
        lists.put(param, None if code == usual else code)
        lists.put(cells.PAGE, None)

    st.selectbox(
        label, codes, format_func=lambda code: options[code], key=key, on_change=changed,
        width=width or "stretch", label_visibility="visible" if width is None else "collapsed",
    )  # fmt: skip
    return str(st.session_state[key])


def _head(report: Report, wanted: Wanted, table: Table) -> str:
    count = words.plural(len(table.rows), "row")
    if not report.has_period:
        return tr("{count}, as of now.", count=count)
    return tr(
        "{count}, {first} to {last}.",
        count=count,
        first=words.day(wanted.period.first),
        last=words.day(wanted.period.last),
    )


def show_table(name: str, table: Table, head: str, nothing: str, wanted: Wanted) -> None:
    """Draw what a report found: totals, chart and table, with link and export; or that there is nothing."""
    lists.show_head(
        head, key="rep", clear=_FILTERS.clear if wanted.filter != Filter(by=wanted.filter.by) else None,
        actions=lambda: _show_actions(name, wanted, bool(table.rows)),
    )  # fmt: skip
    show_rows(table, nothing, name=name)


def show_rows(table: Table, nothing: str, *, name: str) -> None:
    """Show the totals, the chart and the rows of a table, or `nothing` if it has none."""
    if not table.rows:
        frame.empty(tr("There is nothing to report"), nothing, icon=":material/query_stats:")
        return
    show_totals(table)
    if table.chart is not None:
        show_chart(table.chart, table.currency)
    if table.note:
        st.caption(translated(table.note))
    cells.show(table, name=name)


def show_chart(chart: Chart, currency: str) -> None:
    """Show a chart with its title, unless there is only one name to compare."""
    if len(chart.names) > 1:
        with st.container(border=True, key="rep_chart_card"):
            st.markdown(f"**{words.plain(translated(chart.title))}**")
            drawing.show(chart, currency)


def show_link(about: str) -> None:
    """Offer the address of the report as it is shown, to copy."""
    with st.popover(tr("Link"), icon=":material/link:", key="rep_link"):
        st.caption(about)
        st.code(f"{session.origin()}{session.here()}", language=None, wrap_lines=True)


def show_totals(table: Table) -> None:
    """Show the totals of a table as numbers."""
    found = [(column, value) for column, value in zip(table.columns, table.totals, strict=True) if value is not None]
    if not found:
        return
    with st.grid(6, min_column_width=120, gap="small", key="rep_totals"):
        for column, value in found:
            st.metric(
                translated(column.title), cells.said(value, column.kind, table.currency), border=True, height="stretch",
                help=translated(column.about) or None,
            )  # fmt: skip


def _show_actions(name: str, wanted: Wanted, has_rows: bool) -> None:
    show_link(tr("This link opens the report with the same filters."))
    if not has_rows:
        return
    with st.popover(tr("Export"), icon=":material/download:", key="rep_export"):
        st.caption(tr("All rows of the report, not only this page."))
        for format, (label, mime) in FORMATS.items():  # noqa: A001
            st.download_button(
                label, session.later(
                    files.write, name=name, period=wanted.period, filter=wanted.filter, format=format
                ),
                f"{name}.{format}", mime, key=f"rep_{format}", on_click="ignore", width="stretch",
            )  # fmt: skip
