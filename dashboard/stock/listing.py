"""The list of variants on the Stock page: search, filters, pages, and the choice of the size grid."""

from __future__ import annotations

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
from dashboard.frame import columns, links, lists, tables, words
from dashboard.frame import page as frame
from dashboard.language import widgets
from dashboard.language.texts import inside, marked, tr
from dashboard.stock import bulk, editing, labels, table_edit
from dashboard.stock import grid as grid_desk

STATUSES = marked(
    {
        "All": LevelStatus.ALL,
        "In stock": LevelStatus.HEALTHY,
        "Low": LevelStatus.LOW,
        "Out of stock": LevelStatus.OUT,
        "Reserved": LevelStatus.RESERVED,
        "Inactive": LevelStatus.INACTIVE,
    }
)
SORTS = marked(
    {
        "By product": LevelSort.PRODUCT,
        "By SKU": LevelSort.SKU,
        "Least available first": LevelSort.LEAST,
        "Most available first": LevelSort.MOST,
        "Last moved first": LevelSort.MOVED,
        "Longest not counted first": LevelSort.COUNTED,
        "By shelf place": LevelSort.SHELF,
    }
)
# A scanner types into the focused field. Not on a phone, where the keyboard would open over the list.
_FOCUS = """<script>
(function focus(tries) {
  const field = document.querySelector(".st-key-stk_q input");
  if (!field && tries) setTimeout(focus, 100, tries - 1);
  if (field && matchMedia("(pointer: fine)").matches && document.activeElement === document.body)
    field.focus({ preventScroll: true });
})(30);
</script>"""
_VIEW = lists.Choice(
    label=marked("View"), key="stk_view", options={marked("List"): False, marked("Sizes"): True}, usual="List"
)
COLUMNS = "stk_columns"
"""The parameter that names the columns of the list."""
_EMPTY = {"stk_q": "", "stk_status": "All", "stk_brand": None, "stk_shelf": None, "stk_page": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(lists.Wanted[LevelFilter]):
    """What the list shows: filter, order and page. `grid`: products by sizes instead of variants."""

    sort: LevelSort
    page: int
    grid: bool


def show_search(code: str) -> str:
    """Draw the search field. Enter on the exact SKU or barcode of a variant opens it, as a scanner does.

    If a variant is open, the way back to the list is next to the field.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="stk_search"):
        if code:
            st.button(tr("All variants"), icon=":material/arrow_back:", on_click=close_variant)
        found = _search_field()
        links.to_page("scan", tr("Scan"), icon=":material/barcode_scanner:", help=tr("Scanner, camera or fingers"))
    if not code:
        st.html(_FOCUS, unsafe_allow_javascript=True)
    return found


def _search_field() -> str:
    return st.text_input(
        tr("Search"),
        key="stk_q",
        type="search",
        placeholder=tr("SKU, barcode, product, size, shelf"),
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
        return  # the page itself shows the error
    if found is not None:
        st.session_state["stk_q"] = ""
        open_variant(found.sku)


def close_variant() -> None:
    """Go back to the list."""
    lists.put("sku", None)
    lists.put(editing.PARAM, None)


def _first_page() -> None:
    st.session_state["stk_page"] = 1


def clear() -> None:
    """Remove every filter."""
    for key, value in _EMPTY.items():
        st.session_state[key] = value


def show_filters(search: str, brands: tuple[str, ...], places: tuple[str, ...]) -> Wanted:
    """Draw the filters and return their values."""
    brands = tuple(lists.offered(brands, "stk_brand"))
    with st.container(horizontal=True, vertical_alignment="center", key="stk_filters"):
        status = widgets.pills(
            tr("Status"), list(STATUSES), default="All", required=True, key="stk_status", bind="query-params",
            label_visibility="collapsed", on_change=_first_page,
        )  # fmt: skip
        brand = (
            st.selectbox(
                tr("Brand"),
                brands,
                index=None,
                placeholder=tr("Any brand"),
                key="stk_brand",
                bind="query-params",
                width=166,
                label_visibility="collapsed",
                on_change=_first_page,
            )
            if brands
            else None
        )
        shelf = (
            st.selectbox(
                tr("Shelf"),
                places,
                index=None,
                placeholder=tr("Any shelf"),
                key="stk_shelf",
                bind="query-params",
                width=128,
                label_visibility="collapsed",
                on_change=_first_page,
                accept_new_options=True,
                help=tr("Choose a place, or type how several begin: A-03"),
            )
            if places
            else None
        )
        sort = widgets.selectbox(
            tr("Sort by"), list(SORTS), key="stk_sort", bind="query-params", width=166, label_visibility="collapsed",
            on_change=_first_page,
        )  # fmt: skip
        grid = _VIEW.show(_first_page)
    wanted = LevelFilter(search=search, status=STATUSES[status or "All"], brand=brand, shelf=shelf)
    return Wanted(filter=wanted, sort=SORTS[sort], page=_page(), grid=grid)


def _page() -> int:
    text = st.session_state.get("stk_page") or st.query_params.get("stk_page", "1")
    return lists.number(str(text), digits=6) or 1


def read(wanted: Wanted) -> StockList | StockGrid:
    """Return the page of variants, or of products by sizes."""
    if wanted.grid:
        rows = grid_desk.PAGE_ROWS
        return session.run(screens.stock_grid, filter=wanted.filter, offset=(wanted.page - 1) * rows, limit=rows)
    rows, sort = tables.PAGE_ROWS, wanted.sort
    return session.run(screens.stock_list, filter=wanted.filter, sort=sort, offset=(wanted.page - 1) * rows, limit=rows)


def show_page(seen: StockList | StockGrid, wanted: Wanted, person: Actor) -> None:
    """Show the page, or why there is nothing on it."""
    total = seen.page.total
    if not total:
        _show_nothing(wanted, person)
        return
    rows, noun = (grid_desk.PAGE_ROWS, "product") if isinstance(seen, StockGrid) else (tables.PAGE_ROWS, "variant")
    pages = max(ceil(total / rows), 1)
    lists.show_head(
        _page_of(total, noun, wanted.page, pages), key="stk", clear=clear if wanted.narrowed else None,
        actions=lambda: _show_actions(wanted, person),
    )  # fmt: skip
    shown = columns.chosen(COLUMNS, tables.LEVEL_COLUMNS)
    key = columns.key_of("stk", wanted, shown)  # changes with all that changes the rows: a click is a position
    if isinstance(seen, StockGrid):
        grid_desk.show(seen.page.rows, key=key, pick=open_variant)
    else:
        tables.show_levels(
            seen.page.rows, seen.shop.zone, key=key, pick=open_variant, expected=seen.expected, shown=shown
        )
    if pages > 1:
        st.pagination(pages, key="stk_page", bind="query-params")


def _page_of(total: int, noun: str, page: int, pages: int) -> str:
    of_page = tr("{dot}page {page} of {pages}", dot=words.DOT, page=min(page, pages), pages=pages) if pages > 1 else ""
    how = (
        tr("Select a SKU to open it")
        if noun == "variant"
        else tr("Available units by size. Select a number to open it")
    )
    return f"{words.plural(total, noun)}{of_page}. {how}."


def _show_actions(wanted: Wanted, person: Actor) -> None:
    if may(person.role, Permission.IMPORT_CATALOG):
        st.button(tr("New product"), key="stk_new", icon=":material/add:", on_click=lists.put, args=(frame.NEW, 1))
    if may(person.role, Permission.EDIT_SHELF):
        st.button(tr("Edit list"), key="stk_sheet", icon=":material/edit:", on_click=table_edit.open_list)
    if may(person.role, Permission.SET_LEVEL):
        st.button(tr("Bulk edit"), key="stk_bulk", icon=":material/edit_note:", on_click=bulk.open_bulk)
    if not wanted.grid:
        columns.choose(COLUMNS, tables.LEVEL_COLUMNS)
    st.button(tr("Labels"), key="stk_labels", icon=":material/label:", on_click=labels.open_list)
    links.unfolded(tr("Export"), "stk_export", lambda: _show_export(wanted))


def _show_export(wanted: Wanted) -> None:
    st.caption(tr("All variants under this filter with their levels"))
    for kind, build in (("csv", exports.levels_csv), ("xlsx", exports.levels_xlsx)):
        st.download_button(
            tr("As CSV") if kind == "csv" else tr("As Excel"),
            session.later(build, filter=wanted.filter, sort=wanted.sort),
            f"levels.{kind}",
            key=f"stk_export_{kind}",
            on_click="ignore",
            icon=":material/download:",
        )


def open_variant(sku: str) -> None:
    """Open a variant in place of the list, with its whole history."""
    lists.put("sku", sku)
    lists.put("stk_pick", None)


def _show_nothing(wanted: Wanted, person: Actor) -> None:
    if wanted.narrowed:
        frame.empty(tr("No variant matches"), _filter_text(wanted.filter), icon=":material/search_off:")
        lists.show_clear("stk", clear)
        return
    frame.empty_shop(
        person, tr("Stock lists every size of every product, with its units on hand, reserved and available.")
    )


def _filter_text(wanted: LevelFilter) -> str:
    parts = [f"“{words.plain(wanted.search)}”" if wanted.search.strip() else ""]
    parts += [tr("brand {brand}", brand=words.plain(wanted.brand)) if wanted.brand else ""]
    parts += [tr("shelf {shelf}", shelf=words.plain(wanted.shelf)) if wanted.shelf else ""]
    parts += [
        tr("status {status}", status=_status_label(wanted.status)) if wanted.status is not LevelStatus.ALL else ""
    ]
    return tr("Searched for {value}.", value=words.listing([part for part in parts if part]))


def _status_label(status: LevelStatus) -> str:
    return next(inside(label) for label, found in STATUSES.items() if found is status)
