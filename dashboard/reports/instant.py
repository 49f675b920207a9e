"""The report about the shop at an instant: one moment or two, every level, and the movements between."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from core.foundation import days
from core.foundation.model import Actor, Shop
from core.ledger import reports
from core.reports import files
from core.reports import instant as core_instant
from core.reports.menu import BRAND, PRODUCT
from core.reports.model import Filter, Table
from dashboard.door import session
from dashboard.frame import lists, words
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import tr
from dashboard.reports import cells, desk

_AT, _SINCE = "rep_at", "rep_since"
"""The parameters of the two moments: 2026-11-20T14:30, on the shop's clock."""
_FILTERS = lists.Filters(empty={BRAND: None, PRODUCT: ""}, cursor=cells.PAGE)


def show(person: Actor) -> None:
    """Draw the report under the moments and filters of the address."""
    shop = session.run(reports.shop)
    with st.grid(6, min_column_width=150, gap="small", key="rep_filters"):
        at = _moment(tr("Moment"), _AT, shop) or datetime.now(UTC)
        since = _moment(tr("Compare with"), _SINCE, shop)
        wanted = _filter()
    table = session.run(core_instant.at, at=at, since=since, filter=wanted)
    lists.show_head(
        _head(table, at, since, shop), key="rep", clear=_FILTERS.clear if wanted != Filter() else None,
        actions=lambda: _show_actions(at, since, wanted),
    )  # fmt: skip
    desk.show_rows(table, translated(core_instant.INSTANT.nothing), name=core_instant.INSTANT.name)


def _moment(label: str, param: str, shop: Shop) -> datetime | None:
    """Draw a day and a time on the shop's clock, both in the address, and return their moment; None: no day."""
    now = _read(param)

    def changed() -> None:
        day, clock = st.session_state[f"{param}_day"], st.session_state[f"{param}_time"]
        lists.put(param, datetime.combine(day, clock or time()).isoformat(timespec="minutes") if day else None)
        lists.put(cells.PAGE, None)

    day = st.date_input(
        label, now.date() if now else None, key=f"{param}_day", format=formats.date_input(), max_value=date.max,
        on_change=changed,
    )  # fmt: skip
    clock = st.time_input(
        tr("Time"), now.time() if now else time(), key=f"{param}_time", on_change=changed, step=timedelta(minutes=15)
    )
    if not isinstance(day, date):
        return None
    return days.moment(datetime.combine(day, clock), shop.zone)


def _read(param: str) -> datetime | None:
    try:
        return datetime.fromisoformat(st.query_params.get(param, "")).replace(tzinfo=None)
    except ValueError:
        return None


def _filter() -> Filter:
    bound = _FILTERS.bound
    brands = lists.offered(session.run(reports.brands), BRAND)
    brand = st.selectbox(tr("Brand"), brands, index=None, placeholder=tr("Any"), key=BRAND, **bound)
    product = st.text_input(tr("Product or SKU"), key=PRODUCT, placeholder=tr("Any"), **bound)
    return Filter(brand=brand, product=(product or "").strip())


def _head(table: Table, at: datetime, since: datetime | None, shop: Shop) -> str:
    count = words.plural(len(table.rows), "variant")
    until = words.plain(words.moment(at, shop.zone))
    zone = words.plain(shop.zone)
    if since is None:
        return tr("{count} just before {until}. Times are in {zone}.", count=count, until=until, zone=zone)
    first, last = sorted((since, at))
    early, late = words.plain(words.moment(first, shop.zone)), words.plain(words.moment(last, shop.zone))
    return tr(
        "{count} moved from {early} to {late}. Times are in {zone}.", count=count, early=early, late=late, zone=zone
    )


def _show_actions(at: datetime, since: datetime | None, wanted: Filter) -> None:
    desk.show_link(tr("This link opens the report with the same moments and filters."))
    with st.popover(tr("Export"), icon=":material/download:", key="rep_export"):
        st.caption(tr("All rows of the report, not only this page."))
        for format, (label, mime) in desk.FORMATS.items():  # noqa: A001
            st.download_button(
                label, session.later(files.write_instant, at=at, since=since, filter=wanted, format=format),
                f"instant.{format}", mime, key=f"rep_{format}", on_click="ignore", width="stretch",
            )  # fmt: skip
