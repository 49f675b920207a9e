"""What became of a count: its lines as they were posted, holds that were given up, and undoing all of it."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.counts import applying
from core.counts.applying import Result
from core.counts.sessions import State
from core.foundation.csv_file import as_csv
from core.foundation.model import Actor, Posting
from core.people.access import Permission, may
from core.screens.counts import OneCount
from dashboard.counts import parts
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, links, words
from dashboard.language.texts import first_upper, tr

_SHOWN = 500


def show(seen: OneCount, person: Actor) -> None:
    """Show the result of a session."""
    row, rows = seen.session, seen.results
    at = words.short_moment(row.ended_at, seen.shop.zone) if row.ended_at else ""
    undone = tr(" Undone by {undone_by}.", undone_by=row.undone_by) if row.undone_by else ""
    st.caption(words.plain(tr("Applied by {ended_by} at {at}.{undone}", ended_by=row.ended_by, at=at, undone=undone)))
    _show_numbers(seen)
    _show_given_up(seen)
    _show_notes(rows)
    with st.container(border=True, key="cnt_result"):
        st.subheader(tr("Lines"), anchor=False)
        _show_rows(sorted(rows, key=lambda line: line.variance == 0)[:_SHOWN], seen)
        st.download_button(
            tr("Export CSV"),
            data=lambda: _csv(rows),
            file_name=f"count-{row.count_id}-result.csv",
            mime="text/csv",
            on_click="ignore",
            key="cnt_export",
            icon=":material/download:",
            type="tertiary",
        )
        links.to_page("movements", tr("Its movements"), icon=":material/arrow_forward:", mov_ref=str(row.count_id))
    if row.state is State.APPLIED and may(person.role, Permission.UNDO) and any(line.posted for line in rows):
        _show_undo(row.count_id)


def _show_numbers(seen: OneCount) -> None:
    rows = seen.results
    right = sum(line.variance == 0 for line in rows)
    expected, off = sum(line.expected for line in rows), sum(abs(line.variance) for line in rows)
    amounts = [line.variance * line.unit_value for line in rows if line.unit_value is not None]
    with st.grid(4, min_column_width=150, gap="small", key="cnt_numbers"):
        st.metric(
            tr("Lines right"),
            parts.percent(100 * right / len(rows)),
            border=True,
            help=tr("{right} of {rows}", right=right, rows=len(rows)),
        )
        units = max(0.0, 100 * (1 - off / expected)) if expected else None
        st.metric(
            tr("Units right"),
            parts.percent(units),
            border=True,
            help=tr("{units} off, {expected} expected", units=words.units(off), expected=words.number(expected)),
        )
        st.metric(tr("Posted"), words.signed_units(sum(line.posted for line in rows)), border=True)
        total = parts.money(sum(amounts, Decimal(0)), seen.shop) if amounts else words.NOTHING
        st.metric(tr("In money"), total, border=True, help=tr("At unit cost, else at the price"))


def _show_given_up(seen: OneCount) -> None:
    if not seen.given_up:
        return
    named = "; ".join(f"{each.name} ({each.sku}, {words.units(each.units)})" for each in seen.given_up[:20])
    st.warning(
        tr(
            "{holds} given up, because fewer units were there: {named}.",
            holds=words.plural(len(seen.given_up), "hold"),
            named=words.plain(named),
        ),
        icon=":material/lock_open:",
    )


def _show_notes(rows: tuple[Result, ...]) -> None:
    missing = [f"{line.sku} ({words.units(line.missing)})" for line in rows if line.missing]
    if missing:
        st.warning(
            tr(
                "Sold before applying, but not on the shelf: {missing}.",
                missing=words.plain(words.listing(missing[:20])),
            ),
            icon=":material/error:",
        )
    later = [f"{line.sku} ({words.signed(line.recorded_later)})" for line in rows if line.recorded_later]
    if later:
        named = words.plain(words.listing(later[:20]))
        st.info(
            tr(
                "Happened before this count, but recorded after it: {named}. The count does not "
                "include it. Count these again.",
                named=named,
            ),
            icon=":material/history:",
        )


def _show_rows(rows: list[Result], seen: OneCount) -> None:
    skus = [row.sku for row in rows]
    off = [words.signed(row.variance) for row in rows]
    money = [parts.money(None if row.unit_value is None else row.variance * row.unit_value, seen.shop) for row in rows]
    columns.show(
        {
            "sku": (skus, TextColumn("SKU", width=116)),
            "product": ([words.sized(row.product, row.size) for row in rows], TextColumn(tr("Product"), width=190)),
            "expected": ([row.expected for row in rows], NumberColumn(tr("Expected"), width=74)),
            "counted": ([row.counted for row in rows], NumberColumn(tr("Counted"), width=70)),
            "off": (off, TextColumn(tr("Off by"), width=64, alignment="right")),
            "posted": (
                [words.signed(row.posted) for row in rows],
                TextColumn(tr("Posted"), width=64, alignment="right"),
            ),
            "money": (money, TextColumn(tr("Money"), width=92, alignment="right")),
            "by": ([tr(first_upper(row.valued_by or "")) for row in rows], TextColumn(tr("At"), width=54)),
            "at": (
                [words.short_moment(row.counted_at, seen.shop.zone) for row in rows],
                TextColumn(tr("Counted at"), width=104),
            ),
            "who": ([row.counted_by for row in rows], TextColumn(tr("Counted by"), width=100)),
            "approved": ([row.approved_by or "" for row in rows], TextColumn(tr("Approved"), width=84)),
        },
        {
            "sku": (skus, TextColumn("SKU", width=120)),
            "numbers": (
                [f"{row.expected} {words.ARROW} {row.counted}" for row in rows],
                TextColumn(tr("Counted"), width=110, help=tr("The expected level, then what was counted")),
            ),
            "off": (off, TextColumn(tr("Off by"), width=70, alignment="right")),
        },
        key=columns.key_of("cnt_result_rows", seen.session.count_id, seen.session.state),
        alt=tr("Lines of the count as they were posted"),
    )


def _csv(rows: tuple[Result, ...]) -> bytes:
    names = [
        "sku",
        "product",
        "size",
        "color",
        "expected",
        "counted",
        "variance",
        "posted",
        "missing",
        "unit_value",
        "valued_by",
        "counted_at",
        "counted_by",
        "decided_by",
        "approved_by",
    ]
    return as_csv(names, ([getattr(row, name) for name in names] for row in rows))


def _show_undo(count_id: int) -> None:
    with st.popover(tr("Undo this count"), icon=":material/undo:", key="cnt_undo"):
        st.write(
            tr(
                "Every level goes back by what this count changed. Sales and receipts since stay. "
                "Holds that were given up stay given up."
            )
        )
        form = forms.begin(f"count_undo_{count_id}")
        with st.form(form.name, border=False):
            forms.note(form, required=True)

            def post(key: str, values: forms.Values) -> Posting:
                return session.run(applying.undo, count_id=count_id, note=values["note"] or "", key=key)

            forms.submit(form, tr("Undo the whole count"), post, say=_said)


def _said(posting: Posting) -> feedback.Notice:
    return feedback.Notice(
        text=tr("Count undone: {levels} set back", levels=words.plural(len(posting.movements), "level"))
    )
