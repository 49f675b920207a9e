"""The payment-to-shelf proof: by day what was paid, what left the shelf, what has a name; a number opens its list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.column_config import ButtonColumn

from core.database import pool
from core.foundation.model import Shop
from core.proof import shelf as shelf_proof
from core.proof.shelf import Number, ShelfDay
from dashboard.door import session
from dashboard.frame import links, words
from dashboard.frame import page as frame
from dashboard.frame.tables import ROW_HEIGHT
from dashboard.proof import shelf_list

DAY, ALL = "shelf", "all"
RANGES = {"7 days": 7, "30 days": 30, "90 days": 90}
_RANGE, _USUAL = "rec_days", "30 days"
COLUMNS = {
    Number.ORDERS: ("Orders", 64, "Orders paid on that day"),
    Number.UNREAD: ("Unread", 66, "Orders whose cart could not be read: nobody knows their units"),
    Number.INBOX: ("Inbox", 58, "Payments that are no order yet: their message waits"),
    Number.PAID: ("Paid", 58, "Units in the carts of these orders"),
    Number.SOLD: ("Sold", 58, "Units of sale movements, undone ones taken off"),
    Number.PUT_BACK: ("Put back", 76, "Units of restoration movements, undone ones taken off"),
    Number.NET: ("Off the shelf", 98, "Sold, less what was put back"),
    Number.AFTER_REFUND: ("Came back", 86, "Units somebody decided to put back after a refund"),
    Number.WAITING: ("In a case", 76, "Units that wait in an open case"),
    Number.OVERSOLD: ("Oversold", 76, "Units that were paid and will not leave the shelf"),
    Number.RECORDED_ONLY: ("Recorded only", 106, "Units that move no stock: paid before going live, or imported so"),
    Number.UNEXPLAINED: ("Unexplained", 98, "Paid, less off the shelf and everything that has a name"),
}  # fmt: skip
_TERMS = (Number.NET, Number.AFTER_REFUND, Number.WAITING, Number.OVERSOLD, Number.RECORDED_ONLY, Number.UNEXPLAINED)
_SLIM = (Number.PAID, Number.NET, Number.UNEXPLAINED)
_MINUTE = 60.0
_kept: tuple[float, tuple[str, date] | None, ShelfDay | None] = (0.0, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the address opens: a day (None: all of them), and one number of it."""

    day: date | None
    number: Number | None


def chosen_days() -> int:
    """Return how many days the proof covers."""
    return RANGES.get(st.session_state.get(_RANGE) or st.query_params.get(_RANGE, ""), RANGES[_USUAL])


def show(shop: Shop) -> None:
    """Show the proof of the chosen days, and the list behind the number that the address asks for."""
    st.segmented_control(
        "Period", list(RANGES), default=_USUAL, required=True, key=_RANGE, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    until = shop.today + timedelta(days=1)
    since = until - timedelta(days=chosen_days())
    days: tuple[ShelfDay, ...] = session.run(shelf_proof.days, since=since, until=until)
    if not days:
        frame.empty(
            "Nothing was paid in these days",
            "Each paid order stands here by its day, with what left the shelf for it and what did not.",
            icon=":material/receipt_long:",
        )
        return
    total = shelf_proof.total(days)
    _show_verdict(days, total)
    _show_opened(days, total, since, until, shop)
    _show_table(days, total)
    _show_below(since, until, shop)


def _show_verdict(days: Sequence[ShelfDay], total: ShelfDay) -> None:
    if total.holds:
        st.success(
            f"All {words.units(total.paid)} that were paid are explained. {_uncounted(total)}".strip(),
            icon=":material/verified:",
        )
        return
    wrong = [day for day in days if not day.holds]
    st.error(
        f"{words.plural(total.open_lines, 'line')} of {words.plural(len(wrong), 'day')} "
        f"{'does' if total.open_lines == 1 else 'do'} not add up: {words.signed_units(total.unexplained)} unexplained. "
        f"What to do stands under R4 in the runbook. {_uncounted(total)}".strip(),
        icon=":material/error:",
    )
    for day in wrong[:10]:
        assert day.day is not None
        label = f"{words.day(day.day)}: {words.signed_units(day.unexplained)} in {words.plural(day.open_lines, 'line')}"
        _way(label, day.day, Number.UNEXPLAINED, ":material/error:")


def _uncounted(total: ShelfDay) -> str:
    """Say what is not in the sum because nobody knows its units yet."""
    unread = f"{words.plural(total.unread, 'order')} whose cart is not read" if total.unread else ""
    inbox = f"{words.plural(total.inbox, 'payment')} in the inbox" if total.inbox else ""
    said = words.listing([each for each in (unread, inbox) if each])
    return f"Not counted, because nobody knows their units: {said}." if said else ""


def _way(label: str, day: date | None, number: Number | None, icon: str) -> None:
    query = {"rec_view": "Payment to shelf", DAY: day.isoformat() if day else ALL}
    query |= {shelf_list.NUMBER: number.value} if number else {}
    shown = st.session_state.get(_RANGE, _USUAL)
    with st.container(key=f"flush_way_{day or ALL}_{number or 'day'}_{icon[10:-1]}"):
        links.to_page("reconciliation", label, icon=icon, **query | ({_RANGE: shown} if shown != _USUAL else {}))


# ---------------------------------------------------------------- the table


def _show_table(days: Sequence[ShelfDay], total: ShelfDay) -> None:
    rows = (total, *days)
    key = f"shelf_{len(rows)}_{rows[-1].day}"
    for width, numbers in (("wide", tuple(Number)), ("narrow", _SLIM)):
        of_width = f"{key}_{width}"
        cells = {number.value: [_cell(row, number) for row in rows] for number in numbers}
        config = {"day": _opener("Day", 104, f"{of_width}_day", rows, None)}
        config |= {
            number.value: _opener(*COLUMNS[number][:2], f"{of_width}_{number}", rows, number) for number in numbers
        }
        with st.container(key=f"{width}_{key}"):
            st.dataframe(
                pa.table({"day": [_named(row) for row in rows]} | cells), column_config=config, hide_index=True,
                height="content", row_height=ROW_HEIGHT, key=of_width,
                alt="Paid units by day, with what left the shelf and what has a name",
            )  # fmt: skip


def _named(row: ShelfDay) -> str:
    return words.day(row.day) if row.day else "All days"


def _cell(row: ShelfDay, number: Number) -> str:
    value = row.of(number)
    if number is not Number.UNEXPLAINED or row.holds:
        return words.number(value)
    return f"{words.signed(value)} in {words.plural(row.open_lines, 'line')}" if not value else words.signed(value)


def _opener(label: str, width: int, key: str, rows: Sequence[ShelfDay], number: Number | None) -> Any:
    days = [row.day for row in rows]  # of this very drawing: a click tells a position, not a day

    def picked() -> None:
        open_list(days[st.session_state[key]["row"]], number)

    return ButtonColumn(
        label, width=width, pinned=number is None, type="tertiary", alignment="right" if number else "left", key=key,
        help=COLUMNS[number][2] if number else "Open a day to see its sum", on_click=picked,
    )  # fmt: skip


def open_list(day: date | None, number: Number | None) -> None:
    """Open a day (None: all of them), or the list behind one of its numbers."""
    shelf_list.first()
    st.query_params[DAY] = day.isoformat() if day else ALL
    if number is None:
        st.query_params.pop(shelf_list.NUMBER, None)
    else:
        st.query_params[shelf_list.NUMBER] = number.value


def close_list() -> None:
    """Show the table alone."""
    shelf_list.first()
    for name in (DAY, shelf_list.NUMBER):
        st.query_params.pop(name, None)


def _show_below(since: date, until: date, shop: Shop) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"By day of payment in {words.plain(shop.zone)}; days without one are left out. A number opens its list.",
            width="content",
        )
        st.download_button(
            "Export CSV", session.later(shelf_proof.days_csv, since=since, until=until), "payment-to-shelf.csv",
            "text/csv", key="shelf_csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


# ---------------------------------------------------------------- what is opened


def opened() -> Opened | None:
    """Return what the address opens, or None."""
    said = st.query_params.get(DAY, "")
    number = st.query_params.get(shelf_list.NUMBER, "")
    try:
        day = None if said == ALL else date.fromisoformat(said)
    except ValueError:
        return None
    return Opened(day=day, number=Number(number) if number in set(Number) else None)


def _show_opened(days: Sequence[ShelfDay], total: ShelfDay, since: date, until: date, shop: Shop) -> None:
    wanted = opened()
    if wanted is None:
        return
    rows: dict[date | None, ShelfDay] = {row.day: row for row in days} | {None: total}
    row = rows.get(wanted.day)
    with st.container(border=True, key="shelf_opened"):
        if row is None:
            st.markdown("**Nothing was paid on that day**, or it is not among the days shown.")
            st.button("Close", key="shelf_close", icon=":material/close:", type="tertiary", on_click=close_list)
        elif wanted.number is None:
            _show_head(f"How {_named(row)} adds up", close_list)
            _show_sum(row)
        else:
            _show_head(
                f"{_named(row)}, {COLUMNS[wanted.number][0].lower()}: {shelf_list.counted(wanted.number, row)}",
                close_list,
            )
            st.caption(COLUMNS[wanted.number][2] + ".")
            span = (since, until) if wanted.day is None else (wanted.day, wanted.day + timedelta(days=1))
            shelf_list.show(wanted.number, *span, shop.zone)


def _show_head(title: str, close: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(title, anchor=False, width="content")
        st.button("Close", key="shelf_close", icon=":material/close:", type="tertiary", on_click=close)


def _show_sum(row: ShelfDay) -> None:
    """Show a day as a sum, each term a way to its list."""
    _way(
        f"**{words.units(row.paid)}** paid in {words.plural(row.orders, 'order')}",
        row.day,
        Number.PAID,
        ":material/payments:",
    )
    for number in _TERMS:
        label = f"**{words.units(row.of(number))}** {COLUMNS[number][0].lower()}"
        _way(
            label,
            row.day,
            number,
            ":material/error:" if number is Number.UNEXPLAINED and not row.holds else ":material/remove:",
        )
    for number, noun in ((Number.UNREAD, "order"), (Number.INBOX, "payment")):
        if row.of(number):
            what = "whose cart is not read" if number is Number.UNREAD else "still in the inbox"
            _way(f"**{words.plural(row.of(number), noun)}** {what}", row.day, number, ":material/help:")


def show_line(shop: Shop) -> None:
    """Say on Overview how yesterday came out, with the way to it; nothing where nothing was paid."""
    day = _yesterday(shop.today - timedelta(days=1))
    if day is None:
        return
    if day.holds:
        label = f"Payment-to-shelf: all {words.units(day.paid)} of yesterday are explained"
        _way(label, day.day, None, ":material/verified:")
    else:
        label = f":red[Payment-to-shelf: {words.plural(day.open_lines, 'line')} of yesterday not explained]"
        _way(label, day.day, Number.UNEXPLAINED, ":material/error:")


def _yesterday(day: date) -> ShelfDay | None:
    """Return the proof of that day, at most a minute old: Overview is drawn whenever something moves."""
    global _kept
    session.actor()  # what is kept may be another tab's; whose session ended must not see it
    key = (str(pool.engine().url), day)
    at, kept, found = _kept
    if kept != key or time.monotonic() - at > _MINUTE:
        days = session.run(shelf_proof.days, since=day, until=day + timedelta(days=1))
        _kept = (time.monotonic(), key, found := days[0] if days else None)
    return found
