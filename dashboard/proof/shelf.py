"""The payment-to-shelf proof: paid units by day, where they are, and the list behind each number."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import streamlit as st

from core.database import pool
from core.foundation.model import Actor, Shop
from core.proof import shelf as shelf_proof
from core.proof.shelf import Number, ShelfDay
from dashboard.door import session
from dashboard.frame import columns, links, lists, words
from dashboard.frame import page as frame
from dashboard.language.texts import inside, lazy, marked, tr
from dashboard.proof import shelf_list

DAY, ALL = "shelf", "all"
PERIOD = lists.Choice(label=marked("Period"), key="rec_days", options=lists.DAYS, usual="30 days")
COLUMNS = lazy({
    Number.ORDERS: ("Orders", 64, "Orders paid on that day"),
    Number.UNREAD: ("Unread", 66, "Orders whose cart could not be read, so their units are unknown"),
    Number.INBOX: ("Inbox", 58, "Payments whose message has not been processed into an order yet"),
    Number.PAID: ("Paid", 58, "Units in the carts of these orders"),
    Number.SOLD: ("Sold", 58, "Units of sale movements, minus those undone"),
    Number.PUT_BACK: ("Put back", 76, "Units of restoration movements, minus those undone"),
    Number.NET: ("Off the shelf", 98, "Sold minus put back"),
    Number.AFTER_REFUND: ("Returned", 86, "Units put back on the shelf, after a refund or without one"),
    Number.WAITING: ("In a case", 76, "Units waiting in an open case"),
    Number.OVERSOLD: ("Oversold", 76, "Units paid for that will not leave the shelf"),
    Number.RECORDED_ONLY: ("Recorded only", 106, "Units paid before going live or imported without moving stock"),
    Number.UNEXPLAINED: ("Unexplained", 98, "Paid, minus off the shelf and all the other columns"),
})  # fmt: skip
_TERMS = (Number.NET, Number.AFTER_REFUND, Number.WAITING, Number.OVERSOLD, Number.RECORDED_ONLY, Number.UNEXPLAINED)
_SLIM = (Number.PAID, Number.NET, Number.UNEXPLAINED)
_MINUTE = 60.0
_kept: tuple[float, tuple[str, date, bool] | None, ShelfDay | None] = (0.0, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the address opens: a day (None: all of them), and one of its numbers."""

    day: date | None
    number: Number | None


def show(shop: Shop, person: Actor) -> None:
    """Show the proof of the chosen days, and the list behind the number that the address names."""
    until = shop.today + timedelta(days=1)
    since = until - timedelta(days=PERIOD.show())
    days: tuple[ShelfDay, ...] = session.run(shelf_proof.days, since=since, until=until)
    if not days:
        frame.empty_sales(
            tr("No payments in this period"),
            tr("Paid orders appear here by day, with the units that left the shelf and those that did not."),
            person,
            shop,
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
            tr(
                "All {units} paid are explained. {total}", units=words.units(total.paid), total=_uncounted(total)
            ).strip(),
            icon=":material/verified:",
        )
        return
    wrong = [day for day in days if not day.holds]
    st.error(
        tr(
            "{lines} of {days} {part} not add up: {units} unexplained. See R4 in the runbook. {total}",
            lines=words.plural(total.open_lines, "line"),
            days=words.plural(len(wrong), "day"),
            part=tr("does") if total.open_lines == 1 else tr("do"),
            units=words.signed_units(total.unexplained),
            total=_uncounted(total),
        ).strip(),
        icon=":material/error:",
    )
    for day in wrong[:10]:
        assert day.day is not None
        label = tr(
            "{day}: {units} in {lines}",
            day=words.day(day.day),
            units=words.signed_units(day.unexplained),
            lines=words.plural(day.open_lines, "line"),
        )
        _link(label, day.day, Number.UNEXPLAINED, "error")


def _uncounted(total: ShelfDay) -> str:
    """Return what is not in the sum because its units are not known yet."""
    unread = tr("{orders} with an unread cart", orders=words.plural(total.unread, "order")) if total.unread else ""
    inbox = tr("{payments} in the inbox", payments=words.plural(total.inbox, "payment")) if total.inbox else ""
    text = words.listing([each for each in (unread, inbox) if each])
    return tr("Not counted, because the units are unknown: {value}.", value=text) if text else ""


def _link(label: str, day: date | None, number: Number | None, icon: str) -> None:
    query = {"rec_view": tr("Payment to shelf"), DAY: day.isoformat() if day else ALL}
    query |= {shelf_list.NUMBER: number.value} if number else {}
    shown = st.session_state.get(PERIOD.key, PERIOD.usual)
    query |= {PERIOD.key: shown} if shown != PERIOD.usual else {}
    with st.container(key=f"flush_way_{day or ALL}_{number or 'day'}_{icon}"):
        links.to_page("reconciliation", label, icon=f":material/{icon}:", **query)


# ---------------------------------------------------------------- the table


def _show_table(days: Sequence[ShelfDay], total: ShelfDay) -> None:
    rows = (total, *days)
    dates = [row.day for row in rows]

    def column(number: Number) -> tuple[list[str], object]:
        label, width, about = COLUMNS[number]
        opened = partial(_open_number, number=number)
        opener = columns.opener(label, width, dates, opened, align="right", help=about)
        return [_cell(row, number) for row in rows], opener

    day = columns.opener(
        tr("Day"), 104, dates, partial(_open_number, number=None), help=tr("Open a day to see its sum")
    )
    wide = {"day": ([_named(row) for row in rows], day)} | {number.value: column(number) for number in Number}
    columns.show(
        wide,
        {name: wide[name] for name in ("day", *_SLIM)},
        key=f"shelf_{len(rows)}_{rows[-1].day}",
        alt=tr("Paid units by day, and where they are"),
        heights=(columns.ROW_HEIGHT, columns.ROW_HEIGHT),
    )


def _named(row: ShelfDay) -> str:
    return words.day(row.day) if row.day else tr("All days")


def _cell(row: ShelfDay, number: Number) -> str:
    value = row.of(number)
    if number is not Number.UNEXPLAINED or row.holds:
        return words.number(value)
    return (
        tr("{value} in {lines}", value=words.signed(value), lines=words.plural(row.open_lines, "line"))
        if not value
        else words.signed(value)
    )


def _open_number(day: date | None, number: Number | None) -> None:
    """Open a day (None: all of them), or the list behind one of its numbers."""
    shelf_list.first()
    lists.put(DAY, day.isoformat() if day else ALL)
    lists.put(shelf_list.NUMBER, number and number.value)


def _close() -> None:
    shelf_list.first()
    for name in (DAY, shelf_list.NUMBER):
        lists.put(name, None)


def _show_below(since: date, until: date, shop: Shop) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            tr(
                "By day of payment in {zone}, without empty days. Select a number to see its list.",
                zone=words.plain(shop.zone),
            ),
            width="content",
        )
        st.download_button(
            tr("Export CSV"), session.later(shelf_proof.days_csv, since=since, until=until), "payment-to-shelf.csv",
            "text/csv", key="shelf_csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


# ---------------------------------------------------------------- what is opened


def _opened() -> Opened | None:
    """Return what the address opens, or None."""
    text = st.query_params.get(DAY, "")
    number = st.query_params.get(shelf_list.NUMBER, "")
    try:
        day = None if text == ALL else date.fromisoformat(text)
    except ValueError:
        return None
    return Opened(day=day, number=Number(number) if number in set(Number) else None)


def _show_opened(days: Sequence[ShelfDay], total: ShelfDay, since: date, until: date, shop: Shop) -> None:
    wanted = _opened()
    if wanted is None:
        return
    rows: dict[date | None, ShelfDay] = {row.day: row for row in days} | {None: total}
    row = rows.get(wanted.day)
    with st.container(border=True, key="shelf_opened"):
        if row is None:
            _show_head(tr("No payments on that day"))
            st.caption(tr("Nothing was paid on that day, or it is outside the period."))
        elif wanted.number is None:
            _show_head(tr("{row}: sum", row=_named(row)))
            _show_sum(row)
        else:
            label, _, about = COLUMNS[wanted.number]
            _show_head(f"{_named(row)}, {inside(label)}: {shelf_list.counted(wanted.number, row)}")
            st.caption(f"{about}.")
            span = (since, until) if wanted.day is None else (wanted.day, wanted.day + timedelta(days=1))
            shelf_list.show(wanted.number, *span, shop.zone)


def _show_head(title: str) -> None:
    with frame.heading(title):
        st.button(tr("Close"), key="shelf_close", icon=":material/close:", type="tertiary", on_click=_close)


def _show_sum(row: ShelfDay) -> None:
    """Show a day as a sum, with a link from each term to its list."""
    paid = tr("**{units}** paid in {orders}", units=words.units(row.paid), orders=words.plural(row.orders, "order"))
    _link(paid, row.day, Number.PAID, "payments")
    for number in _TERMS:
        label = f"**{words.units(row.of(number))}** {inside(COLUMNS[number][0])}"
        _link(label, row.day, number, "error" if number is Number.UNEXPLAINED and not row.holds else "remove")
    for number, noun, what in (
        (Number.UNREAD, "order", tr("with an unread cart")), (Number.INBOX, "payment", tr("still in the inbox"))
    ):  # fmt: skip
        if row.of(number):
            _link(f"**{words.plural(row.of(number), noun)}** {what}", row.day, number, "help")


def show_line(shop: Shop) -> None:
    """Show the result of yesterday on Overview, with a link to it; nothing if nothing was paid."""
    day = _yesterday(shop)
    if day is None:
        return
    if day.holds:
        _link(
            tr("Payment to shelf: all {units} of yesterday explained", units=words.units(day.paid)),
            day.day,
            None,
            "verified",
        )
    else:
        label = tr(
            ":red[Payment to shelf: {lines} of yesterday unexplained]", lines=words.plural(day.open_lines, "line")
        )
        _link(label, day.day, Number.UNEXPLAINED, "error")


def _yesterday(shop: Shop) -> ShelfDay | None:
    """Return the proof of yesterday. It may be a minute old, because Overview is drawn with every movement."""
    global _kept
    session.actor()  # checked here: the stored answer may come from another tab with another session
    day = shop.today - timedelta(days=1)
    key = (str(pool.engine().url), day, shop.is_sample)  # a shop that was begun has nothing of the sample
    at, kept, found = _kept
    if kept != key or time.monotonic() - at > _MINUTE:
        days = session.run(shelf_proof.days, since=day, until=day + timedelta(days=1))
        _kept = (time.monotonic(), key, found := days[0] if days else None)
    return found
