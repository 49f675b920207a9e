"""The list of movements: its filters, pages and export."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.foundation.model import Actor, LevelRow, Reason
from core.ledger import reports
from core.ledger.movements import MovementFilter
from core.people.access import Permission, may
from core.screens import exports
from core.screens.stock import Ledger, LedgerChoices
from dashboard.door import session
from dashboard.frame import columns, drawer, links, lists, tables, words
from dashboard.frame import page as frame
from dashboard.language import formats, widgets
from dashboard.language.said import translated
from dashboard.language.texts import source, tr
from dashboard.movements import chart

TYPES = {label: kind for kind, label in source(words.TYPE_LABELS).items()}
_FILTERS = lists.Filters(
    empty={"mov_sku": "", "mov_brand": None, "mov_ref": "", "mov_type": [], "mov_reason": [], "mov_by": None,
           "mov_from": None, "mov_to": None},
    cursor="mov_page",
)  # fmt: skip
COLUMNS = "mov_columns"
"""The parameter that names the columns of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(lists.Wanted[MovementFilter]):
    """What the list shows, and the text of the filter with the variant that has it as a code."""

    code: str
    variant: LevelRow | None


def show_filters(choices: LedgerChoices) -> Wanted:
    """Draw the filters and return their values."""
    bound = _FILTERS.bound
    days = {**bound, "on_change": _days_changed}
    with st.grid(6, min_column_width=150, gap="small", key="mov_filters"):
        code = st.text_input(tr("SKU, product or brand"), key="mov_sku", placeholder=tr("Any"), **bound)
        reference = st.text_input(
            tr("Reference begins with"), key="mov_ref", placeholder=tr("Any order or delivery"), **bound
        )
        since = st.date_input(tr("From"), None, key="mov_from", format=formats.date_input(), **days)
        until = st.date_input(tr("To"), None, key="mov_to", format=formats.date_input(), **days)
        by = st.selectbox(
            tr("By"),
            choices.people,
            index=None,
            placeholder=tr("Anybody"),
            key="mov_by",
            **bound,
        )
        labels = _reason_labels(choices.reasons)
        why = widgets.multiselect(
            tr("Reason"), list(labels), placeholder=tr("Any"), key="mov_reason", format_func=translated, **bound
        )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="mov_kinds"):
        kinds = widgets.pills(
            tr("Type"), list(TYPES), selection_mode="multi", key="mov_type", label_visibility="collapsed", **bound
        )  # fmt: skip
        brand = st.selectbox(
            tr("Brand"), lists.offered(choices.brands, "mov_brand"), index=None, placeholder=tr("Any brand"),
            key="mov_brand", width=180,
            label_visibility="collapsed", **bound,
        )  # fmt: skip
    wanted = MovementFilter(
        types=tuple(TYPES[kind] for kind in kinds),
        reasons=tuple(sorted({code for label in why for code in labels[label]})),
        performed_by=by,
        brand=brand,
        reference=(reference or "").strip(),
        since=since,
        until=until,
    )
    return _with_variant(wanted, (code or "").strip())


def _days_changed() -> None:
    _FILTERS.first_page()
    chart.forget()


def _clear() -> None:
    _FILTERS.clear()
    chart.forget()


def _reason_labels(reasons: tuple[Reason, ...]) -> dict[str, list[str]]:
    """Return the codes of reasons by label: reasons of different types may share one."""
    labels: dict[str, list[str]] = {}
    for row in sorted(reasons, key=lambda row: row.label):
        labels.setdefault(row.label, []).append(row.reason)
    return labels


def _with_variant(wanted: MovementFilter, code: str) -> Wanted:
    found = session.run(reports.find, code=code) if code else None
    if found:
        wanted = replace(wanted, variant_id=found.variant_id)
    elif code:
        wanted = replace(wanted, search=code)
    return Wanted(filter=wanted, code=code, variant=found, cursor=st.query_params.get(_FILTERS.cursor))


def show_count(seen: Ledger, wanted: Wanted) -> None:
    """Say how many movements there are, with the way back to all and the export."""
    lists.show_head(
        _count(seen, wanted), key="mov", clear=_clear if wanted.narrowed else None, stale=seen.stale,
        actions=(lambda: _show_actions(seen.wanted)) if seen.page.rows else None,
    )  # fmt: skip


def _count(seen: Ledger, wanted: Wanted) -> str:
    found = wanted.variant
    about = (
        tr(" of {sku} {found}", sku=words.plain(found.sku), found=words.plain(words.variant(found))) if found else ""
    )
    if seen.variants is not None:
        about = tr(" of {variants}", variants=words.plural(seen.variants, "variant"))
    order = tr(", newest first") if seen.count.count else ""
    return tr(
        "{count}{about}{order}. Times are in {zone}.",
        count=lists.counted(seen.count, "movement"),
        about=about,
        order=order,
        zone=words.plain(seen.shop.zone),
    )


def _show_actions(wanted: MovementFilter) -> None:
    columns.choose(COLUMNS, tables.MOVEMENT_COLUMNS)
    links.unfolded(tr("Export"), "mov_export", lambda: _show_export(wanted))


def _show_export(wanted: MovementFilter) -> None:
    st.caption(
        tr("All movements of this list, not only this page, with product and brand, and for managers with value.")
    )
    st.download_button(
        tr("As CSV"), session.later(exports.movements_csv, filter=wanted), "movements.csv", "text/csv",
        key="mov_csv", on_click="ignore", width="stretch",
    )  # fmt: skip
    st.download_button(
        tr("As Parquet"), session.later(exports.movements_parquet, filter=wanted), "movements.parquet",
        "application/vnd.apache.parquet", key="mov_parquet", on_click="ignore", width="stretch",
    )  # fmt: skip


def show_list(seen: Ledger, wanted: Wanted, person: Actor) -> None:
    """Show a page of movements with the ways to newer and older ones, or why there is none."""
    if not seen.page.rows:
        _show_nothing(seen, wanted, person)
        return
    shown = columns.chosen(COLUMNS, tables.MOVEMENT_COLUMNS)
    key = columns.key_of(
        "mov", seen.page.rows[0].movement_id, seen.page.rows[-1].movement_id, len(seen.page.rows), shown
    )
    tables.show_movements(
        seen.page.rows,
        seen.shop.zone,
        key=key,
        pick=drawer.open_movement,
        may_undo=may(person.role, Permission.UNDO),
        shown=shown,
    )
    lists.show_pages(
        _FILTERS.cursor, seen.page.before, seen.page.after, names=(tr("Newest"), tr("Newer"), tr("Older")), key="mov"
    )


def _show_nothing(seen: Ledger, wanted: Wanted, person: Actor) -> None:
    if wanted.filter.search and (shared := session.run(reports.sharing, code=wanted.code)):
        frame.empty(
            tr("Several variants have this code"),
            words.plain(
                tr(
                    "{code} means {value}. Type the SKU.",
                    code=wanted.code[:80],
                    value=words.listing([row.sku for row in shared]),
                )
            ),
            icon=":material/help:",
        )
    elif wanted.filter.search and not seen.variants:
        frame.empty(
            tr("No variant, product or brand matches"),
            tr("{code} may be spelled differently, or not be imported yet.", code=words.plain(wanted.code[:80])),
            icon=":material/search_off:",
        )
    elif wanted.narrowed:
        frame.empty(
            tr("No movement matches"), tr("Choose a longer period or remove a filter."), icon=":material/search_off:"
        )
    else:
        moves = may(person.role, Permission.ADJUST)
        who = "" if moves else tr(" The warehouse, a manager or an admin of your shop can receive, count and adjust.")
        frame.empty(
            tr("There are no movements yet"),
            tr(
                "Deliveries, counts, sales and adjustments appear here, each with its level before and after.{who}",
                who=who,
            ),
            begin=_begin if moves else None,
        )


def _begin() -> None:
    links.begin("stock", tr("Receive or count on the Stock page"), icon=":material/inventory_2:")
