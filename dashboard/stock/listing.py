"""The list of variants on the Stock page: search, filters, pages, and the grid of sizes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import ceil

import streamlit as st

from core.foundation.errors import StockError
from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelSort, LevelStatus
from core.people.access import Permission, may
from core.screens import exports
from core.screens import stock as screens
from core.screens.stock import StockGrid, StockList
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.frame import tables, words
from dashboard.stock import bulk
from dashboard.stock import grid as grid_desk

STATUSES = {
    "All": LevelStatus.ALL,
    "In stock": LevelStatus.HEALTHY,
    "Low": LevelStatus.LOW,
    "Out of stock": LevelStatus.OUT,
    "Reserved": LevelStatus.RESERVED,
    "Inactive": LevelStatus.INACTIVE,
}
SORTS = {
    "By product": LevelSort.PRODUCT,
    "By SKU": LevelSort.SKU,
    "Least available first": LevelSort.LEAST,
    "Most available first": LevelSort.MOST,
    "Last moved first": LevelSort.MOVED,
    "Longest not counted first": LevelSort.COUNTED,
}
# A scanner types wherever the focus is. Not on a phone, where it would open the keyboard over the list.
_FOCUS = """<script>
(function focus(tries) {
  const field = document.querySelector(".st-key-stk_q input");
  if (!field && tries) setTimeout(focus, 100, tries - 1);
  if (field && matchMedia("(pointer: fine)").matches && document.activeElement === document.body)
    field.focus({ preventScroll: true });
})(30);
</script>"""
VIEWS = (LIST, GRID) = ("List", "Sizes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the list shows: filter, order and page."""

    filter: LevelFilter
    sort: LevelSort
    page: int
    grid: bool

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return self.filter != LevelFilter()

    def key(self) -> str:
        """Return a name that changes with everything that changes the rows: a click tells a position among them."""
        return f"stk_{hashlib.sha1(repr(self).encode(), usedforsecurity=False).hexdigest()[:10]}"


def show_search(code: str) -> str:
    """Draw the search field; Enter on the very SKU or barcode of a variant opens it, as a scanner does.

    Where one is open, the way back to the list stands beside it.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="stk_search"):
        if code:
            st.button("All variants", icon=":material/arrow_back:", on_click=close_variant)
        found = _search_field()
    if not code:
        st.html(_FOCUS, unsafe_allow_javascript=True)
    return found


def _search_field() -> str:
    return st.text_input(
        "Search",
        key="stk_q",
        type="search",
        placeholder="SKU, barcode, product, size",
        label_visibility="collapsed",
        bind="query-params",
        on_change=_searched,
    ) or ""  # fmt: skip


def _searched() -> None:
    code = st.session_state["stk_q"] or ""
    st.session_state["stk_page"] = 1
    if not code.strip():
        return
    try:
        found = session.run(reports.find, code=code)
    except StockError:
        return  # the page itself says what is wrong
    if found is not None:
        st.session_state["stk_q"] = ""
        st.query_params["sku"] = found.sku


def close_variant() -> None:
    """Go back to the list."""
    st.query_params.pop("sku", None)


def _first_page() -> None:
    st.session_state["stk_page"] = 1


def clear() -> None:
    """Take every filter off."""
    for key, value in (("stk_q", ""), ("stk_status", "All"), ("stk_brand", None), ("stk_page", 1)):
        st.session_state[key] = value


def show_filters(search: str, brands: tuple[str, ...]) -> Wanted:
    """Draw the filters and return what they say."""
    with st.container(horizontal=True, vertical_alignment="center", key="stk_filters"):
        status = st.pills(
            "Status", list(STATUSES), default="All", required=True, key="stk_status", bind="query-params",
            label_visibility="collapsed", on_change=_first_page,
        )  # fmt: skip
        brand = st.selectbox(
            "Brand", brands, index=None, placeholder="Any brand", key="stk_brand", bind="query-params", width=166,
            label_visibility="collapsed", on_change=_first_page,
        ) if brands else None  # fmt: skip
        sort = st.selectbox(
            "Sort by", list(SORTS), key="stk_sort", bind="query-params", width=166, label_visibility="collapsed",
            on_change=_first_page,
        )  # fmt: skip
        view = st.segmented_control(
            "View", VIEWS, default=LIST, required=True, key="stk_view", bind="query-params",
            label_visibility="collapsed", on_change=_first_page,
        )  # fmt: skip
    wanted = LevelFilter(search=search, status=STATUSES[status or "All"], brand=brand)
    return Wanted(filter=wanted, sort=SORTS[sort], page=_page(), grid=view == GRID)


def _page() -> int:
    said = st.session_state.get("stk_page") or st.query_params.get("stk_page", "1")
    return int(said) if str(said).isdecimal() and 0 < int(said) < 1_000_000 else 1


def read(wanted: Wanted) -> StockList | StockGrid:
    """Read the page of variants, or of products by sizes, that is wanted."""
    if wanted.grid:
        rows = grid_desk.PAGE_ROWS
        return session.run(screens.stock_grid, filter=wanted.filter, offset=(wanted.page - 1) * rows, limit=rows)
    rows, sort = tables.PAGE_ROWS, wanted.sort
    return session.run(screens.stock_list, filter=wanted.filter, sort=sort, offset=(wanted.page - 1) * rows, limit=rows)


def show_page(seen: StockList | StockGrid, wanted: Wanted, person: Actor) -> None:
    """Show that page, or why there is nothing on it."""
    total = seen.page.total
    if not total:
        _show_nothing(wanted, person)
        return
    rows, noun = (grid_desk.PAGE_ROWS, "product") if isinstance(seen, StockGrid) else (tables.PAGE_ROWS, "variant")
    pages = max(ceil(total / rows), 1)
    _show_head(_page_of(total, noun, wanted.page, pages), wanted, person)
    if isinstance(seen, StockGrid):
        grid_desk.show(seen.page.rows, key=wanted.key(), pick=open_variant)
    else:
        tables.show_levels(seen.page.rows, seen.shop.zone, key=wanted.key(), pick=open_variant)
    if pages > 1:
        st.pagination(pages, key="stk_page", bind="query-params")


def _page_of(total: int, noun: str, page: int, pages: int) -> str:
    of_page = f"{words.DOT}page {min(page, pages)} of {pages}" if pages > 1 else ""
    how = "Choose a SKU to open it" if noun == "variant" else "Units available by size; choose a number to open it"
    return f"{words.plural(total, noun)}{of_page}. {how}."


def _show_head(said: str, wanted: Wanted, person: Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="stk_count"):
        st.caption(said, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if wanted.narrowed:
                st.button(
                    "Clear filters", key="stk_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear
                )
            if may(person.role, Permission.SET_LEVEL):
                st.button("Bulk edit", key="stk_bulk", icon=":material/edit_note:", on_click=bulk.open_bulk)
            st.download_button(
                "Export", session.later(exports.levels_csv, filter=wanted.filter, sort=wanted.sort), "levels.csv",
                "text/csv", key="stk_export", on_click="ignore", icon=":material/download:",
                help="Every variant under this filter with its level, as CSV",
            )  # fmt: skip


def open_variant(sku: str) -> None:
    """Open a variant in place of the list."""
    st.query_params["sku"] = sku


def _show_nothing(wanted: Wanted, person: Actor) -> None:
    if wanted.narrowed:
        frame.empty("No variant matches", _said(wanted.filter), icon=":material/search_off:")
        st.button("Clear filters", key="stk_clear", icon=":material/filter_alt_off:", on_click=clear)
        return
    frame.empty_shop(person)


def _said(wanted: LevelFilter) -> str:
    parts = [f"“{words.plain(wanted.search)}”" if wanted.search.strip() else ""]
    parts += [f"brand {words.plain(wanted.brand)}" if wanted.brand else ""]
    parts += [f"status {_status_label(wanted.status)}" if wanted.status is not LevelStatus.ALL else ""]
    return f"Looked for {words.listing([part for part in parts if part])}."


def _status_label(status: LevelStatus) -> str:
    return next(label.lower() for label, found in STATUSES.items() if found is status)
