"""The table of orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamlit.column_config import TextColumn

from core.orders.reads import OrderRow
from dashboard.frame import columns, selling, tables, words
from dashboard.language.texts import tr


def show_orders(rows: Sequence[OrderRow], zone: str, *, key: str, pick: Callable[[int], None]) -> None:
    """Show orders, newest first; a click on one calls `pick` with its id. `key` must change with the page."""
    ids, titles = [row.order_id for row in rows], [row.title for row in rows]
    units = [words.number(row.units) if row.lines else words.NOTHING for row in rows]
    states = [[tr(state) for state in selling.order_states(row)] for row in rows]
    buyers = [row.email or row.name or "" for row in rows]
    needs = {"order": (90, tables.fitting(titles, 90, 300)), "buyer": (140, tables.fitting(buyers, 140, 300))}
    widths = tables.share(434, needs)
    columns.show(
        {
            "order": (titles, columns.opener(tr("Order"), widths["order"], ids, pick)),
            "at": ([words.moment(row.paid_at, zone) for row in rows], TextColumn(tr("Paid"), width=140)),
            "buyer": (buyers, TextColumn(tr("Buyer"), width=widths["buyer"])),
            "units": (units, TextColumn(tr("Units"), width=56, alignment="right")),
            "amount": (
                [selling.money(row.amount, row.currency) for row in rows],
                TextColumn(tr("Amount"), width=100, alignment="right"),
            ),
            "state": (states, columns.tags(tr("State"), 274, selling.ORDER_STATES)),
        },
        {
            "order": (titles, columns.opener(tr("Order"), 104, ids, pick)),
            "what": ([_summary(row, zone) for row in rows], TextColumn(tr("Paid"), width=158)),
            "state": ([", ".join(each[:2]) for each in states], TextColumn(tr("State"), width=92)),
        },
        key=key,
        alt=tr("Orders, newest first"),
    )


def _summary(row: OrderRow, zone: str) -> str:
    money = selling.money(row.amount, row.currency)
    return f"{words.short_moment(row.paid_at, zone)}, {money} {row.name or row.email or ''}".strip()
