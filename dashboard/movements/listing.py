"""The list of movements: its filters in the address, its chart, its pages and its export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import streamlit as st

from core.foundation.model import Actor, LevelRow, Reason
from core.ledger import reports
from core.ledger.movements import MovementFilter
from core.people.access import Permission, may
from core.screens import exports
from core.screens.stock import Ledger, LedgerChoices
from dashboard.door import session
from dashboard.frame import charts, drawer, links, tables, words
from dashboard.frame import page as frame

CURSOR = "mov_page"
TYPES = {label: kind for kind, label in words.TYPE_LABELS.items()}
_EMPTY: dict[str, Any] = {
    "mov_sku": "",
    "mov_ref": "",
    "mov_type": [],
    "mov_reason": [],
    "mov_by": None,
    "mov_from": None,
    "mov_to": None,
}
NOBODY = UUID(int=0)
"""The variant of a SKU that no variant has: nothing matches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the page shows: the filter, the variant it names, and the page of the list."""

    filter: MovementFilter
    code: str
    variant: LevelRow | None
    cursor: str | None

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return self.filter != MovementFilter()


def _newest() -> None:
    st.query_params.pop(CURSOR, None)


def clear() -> None:
    """Take every filter off."""
    _newest()
    for key, value in _EMPTY.items():
        st.session_state[key] = value


def show_filters(choices: LedgerChoices) -> Wanted:
    """Draw the filters and return what they say."""
    bound: dict[str, Any] = {"bind": "query-params", "on_change": _newest}
    with st.grid(6, min_column_width=150, gap="small", key="mov_filters"):
        code = st.text_input("SKU or barcode", key="mov_sku", placeholder="Any", **bound)
        reference = st.text_input("Reference begins with", key="mov_ref", placeholder="Any order or delivery", **bound)
        since = st.date_input("From", None, key="mov_from", format="YYYY-MM-DD", **bound)
        until = st.date_input("To", None, key="mov_to", format="YYYY-MM-DD", **bound)
        by = st.selectbox("By", choices.people, index=None, placeholder="Anybody", key="mov_by", **bound)
        labels = _reason_labels(choices.reasons)
        why = st.multiselect("Reason", list(labels), placeholder="Any", key="mov_reason", **bound)
    kinds = st.pills("Type", list(TYPES), selection_mode="multi", key="mov_type", label_visibility="collapsed", **bound)
    wanted = MovementFilter(
        types=tuple(TYPES[kind] for kind in kinds),
        reasons=tuple(sorted({code for label in why for code in labels[label]})),
        performed_by=by,
        reference=(reference or "").strip(),
        since=since,
        until=until,
    )
    return _with_variant(wanted, (code or "").strip())


def _reason_labels(reasons: tuple[Reason, ...]) -> dict[str, list[str]]:
    """Reasons by what they are called: one name may stand for the reasons of several types."""
    labels: dict[str, list[str]] = {}
    for row in sorted(reasons, key=lambda row: row.label):
        labels.setdefault(row.label, []).append(row.reason)
    return labels


def _with_variant(wanted: MovementFilter, code: str) -> Wanted:
    found = session.run(reports.find, code=code) if code else None
    if code:
        wanted = replace(wanted, variant_id=found.variant_id if found else NOBODY)
    return Wanted(filter=wanted, code=code, variant=found, cursor=st.query_params.get(CURSOR))


def show_count(seen: Ledger, wanted: Wanted) -> None:
    """Say how many movements there are, with the way back to all and the export."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="mov_count"):
        st.caption(_count(seen, wanted), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if wanted.narrowed:
                st.button(
                    "Clear filters", key="mov_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear
                )
            if seen.page.rows:
                _show_export(wanted.filter)
    if seen.stale:
        st.caption("The link pointed to a page of another list, so this is the newest page.")


def _count(seen: Ledger, wanted: Wanted) -> str:
    more = "More than " if seen.count.at_least else ""
    said = f"{more}{words.plural(seen.count.count, 'movement')}"
    about = (
        f" of {words.plain(wanted.variant.sku)} {words.plain(words.variant(wanted.variant))}" if wanted.variant else ""
    )
    order = ", newest first" if seen.count.count else ""
    return f"{said}{about}{order}. Times are in {words.plain(seen.shop.zone)}."


def _show_export(wanted: MovementFilter) -> None:
    with st.popover("Export", icon=":material/download:", key="mov_export"):
        st.caption("Everything under this filter, not only this page. Built when you choose it.")
        st.download_button(
            "As CSV", session.later(exports.movements_csv, filter=wanted), "movements.csv", "text/csv",
            key="mov_csv", on_click="ignore", width="stretch",
        )  # fmt: skip
        st.download_button(
            "As Parquet", session.later(exports.movements_parquet, filter=wanted), "movements.parquet",
            "application/vnd.apache.parquet", key="mov_parquet", on_click="ignore", width="stretch",
        )  # fmt: skip


def show_chart(seen: Ledger) -> None:
    """Show what moved under the filter by type and day, as a chart and as its table."""
    since, until = seen.since, seen.until
    period = f"{words.day(since)} to {words.day(until - timedelta(days=1))}"
    st.markdown(f"**Units by type, {period}**")
    if not seen.flows:
        st.caption("Nothing moved in this period.")
        return
    figure = charts.flow_chart(seen.flows, since, until, height=220)
    charts.show(figure, key="mov_chart", alt=charts.describe(seen.flows, since, until))
    charts.show_flow_table(seen.flows, "mov_table")


def show_list(seen: Ledger, wanted: Wanted, person: Actor) -> None:
    """Show a page of movements with the ways to newer and older ones, or why there is none."""
    if not seen.page.rows:
        _show_nothing(wanted)
        return
    key = f"mov_{seen.page.rows[0].movement_id}_{seen.page.rows[-1].movement_id}_{len(seen.page.rows)}"
    tables.show_movements(
        seen.page.rows,
        seen.shop.zone,
        key=key,
        pick=drawer.open_movement,
        may_undo=may(person.role, Permission.UNDO),
    )
    with st.container(horizontal=True, horizontal_alignment="center", key="mov_pages"):
        _page_button("Newest", None, ":material/first_page:", disabled=seen.page.before is None)
        _page_button("Newer", seen.page.before, ":material/chevron_left:", disabled=seen.page.before is None)
        _page_button("Older", seen.page.after, ":material/chevron_right:", disabled=seen.page.after is None)


def _page_button(label: str, cursor: str | None, icon: str, *, disabled: bool) -> None:
    st.button(label, key=f"mov_{label.lower()}", icon=icon, disabled=disabled, on_click=_turn, args=(cursor,))


def _turn(cursor: str | None) -> None:
    if cursor:
        st.query_params[CURSOR] = cursor
    else:
        _newest()


def _show_nothing(wanted: Wanted) -> None:
    if wanted.code and wanted.variant is None:
        frame.empty(
            "No variant has this SKU or barcode",
            f"Nothing is called {words.plain(wanted.code[:80])}, so nothing of it has moved.",
            icon=":material/search_off:",
        )
    elif wanted.narrowed:
        frame.empty("No movement matches", "Widen the period or take a filter off.", icon=":material/search_off:")
    else:
        frame.empty("Nothing has moved yet", "The first delivery, count or sale is the first line of this list.")
        links.to_page("stock", "Receive or count on the Stock page", icon=":material/inventory_2:")
