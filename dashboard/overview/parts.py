"""The parts of the Overview page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from core.foundation.model import DayFlow, LevelRow, LevelState, MovementType
from core.screens.stock import Overview
from dashboard.frame import charts, drawer, links, lists, tables, words
from dashboard.frame import page as frame

PERIOD = lists.Choice(label="Period", key="ovw_days", options=lists.DAYS, usual="30 days")
"""The days that the numbers and the chart cover."""


def show_caption(seen: Overview) -> None:
    """Show the shop's name, its time zone, and the age of the last movement."""
    last = words.ago(seen.recent[0].occurred_at, datetime.now(UTC)) if seen.recent else "never"
    st.caption(words.plain(words.joined(seen.shop.name, f"last movement {last}", f"times are in {seen.shop.zone}")))


def show_numbers(seen: Overview, days: int) -> None:
    """Show the numbers at the top. Those about levels link to the variants behind them."""
    sold = _series(seen.flows, seen.shop.today, days, {MovementType.SALE}, came=-1, went=1)
    net = _series(seen.flows, seen.shop.today, days, set(MovementType), came=1, went=-1)
    summary, currency = seen.summary, seen.shop.currency
    period = f"in {days} days"
    with st.grid(4, min_column_width=160, gap="small"):
        st.metric(
            "Units on hand", words.number(summary.units), words.signed(sum(net)), delta_description=period,
            delta_color="off", delta_arrow="off", border=True, height="stretch", chart_data=net, chart_type="bar",
            help="Units of active variants physically in stock. The bars are the net change of each day.",
        )  # fmt: skip
        st.metric(
            "Units sold", words.number(sum(sold)), delta_description=period, border=True,
            height="stretch", chart_data=sold[:-1], chart_type="area",
            help="Units of sale movements, minus those undone. The line ends yesterday.",
        )  # fmt: skip
        st.metric(
            "Stock value", words.round_money(summary.value_at_price, currency), border=True, height="stretch",
            delta=f"{words.round_money(summary.value_at_cost, currency)} at cost" if summary.value_at_cost else None,
            delta_color="off", delta_arrow="off", help="Units on hand at their selling price",
        )  # fmt: skip
        with st.container(border=True, height="stretch", key="flush_levels", gap="xsmall"):
            st.markdown("Levels")
            healthy = summary.variants - summary.low - summary.out_of_stock
            for count, status, icon in (
                (summary.out_of_stock, "Out of stock", "error"),
                (summary.low, "Low", "warning"),
                (healthy, "In stock", "check_circle"),
            ):
                label = f"**{words.number(count)}** {status.lower()}"
                links.to_page("stock", label, icon=f":material/{icon}:", stk_status=status)


def _series(
    flows: Sequence[DayFlow], today: date, days: int, kinds: set[MovementType], *, came: int, went: int
) -> list[int]:
    sums = {today - timedelta(days=back): 0 for back in reversed(range(days))}
    for flow in flows:
        if flow.movement_type in kinds and flow.day in sums:
            sums[flow.day] += came * flow.units_in + went * flow.units_out
    return list(sums.values())


def show_flows(seen: Overview, days: int) -> None:
    """Show the units moved by type and day, as a chart and as a table."""
    with frame.heading("Units moved per day"):
        PERIOD.show()
    until = seen.shop.today + timedelta(days=1)
    since = until - timedelta(days=days)
    if not seen.flows:
        frame.empty("No movements in this period", "Choose a longer period, or receive a delivery on the Stock page.")
        return
    charts.show(
        charts.flow_chart(seen.flows, since, until), key="ovw_flows", alt=charts.describe(seen.flows, since, until)
    )
    charts.show_flow_table(seen.flows, "ovw_table")


def show_attention(seen: Overview) -> None:
    """List open cases, refunds to decide, and variants that are out of stock or low, each with a link."""
    count = seen.summary.out_of_stock + seen.summary.low
    with frame.heading("Needs attention"):
        if count:
            st.badge(f"{words.number(count)} to reorder", color="orange")
    _show_waiting(seen)
    rows = [*seen.out[:4], *seen.low][:6]
    if not rows:
        st.caption("No variant is low or out of stock.")
    for row in rows:
        _attention(row)


def _show_waiting(seen: Overview) -> None:
    waiting = seen.waiting
    if waiting.cases:
        failed, levels = waiting.failed_updates, waiting.levels
        parts = {
            f"{words.number(failed)} paid and not off the shelf": failed,
            f"{words.number(levels)} about levels": levels,
        }
        what = ", ".join(text for text, count in parts.items() if count) or "None about paid units or levels"
        label = f"**{words.plural(waiting.cases, 'open case')}**"
        with st.container(horizontal=True, wrap=False, gap="xsmall"):
            st.markdown(
                ":red[:material/notifications:]" if failed else ":orange[:material/notifications:]", width="content"
            )
            with st.container(gap=None, key="flush_cases"):
                links.to_page("alerts", label)
                st.caption(what)
    if waiting.refunds:
        with st.container(horizontal=True, wrap=False, gap="xsmall"):
            st.markdown(":violet[:material/currency_exchange:]", width="content")
            with st.container(gap=None, key="flush_refunds"):
                links.to_page(
                    "orders", f"**{words.plural(waiting.refunds, 'refund')} to decide**", ord_view="Refunds to decide"
                )
                st.caption("Decide what happened to the goods")


def _attention(row: LevelRow) -> None:
    out = row.state == LevelState.OUT
    state = "Out of stock" if out else f"{words.units(row.on_hand)} left, reorder at {words.number(row.reorder_point)}"
    with st.container(horizontal=True, wrap=False, gap="xsmall"):
        st.markdown(":red[:material/error:]" if out else ":orange[:material/warning:]", width="content")
        with st.container(gap=None, key=f"flush_{row.sku}"):
            links.to_page("stock", f"**{words.plain(row.sku)}**{words.DOT}{state}", sku=row.sku)
            sold = f", {words.number(row.sold)} sold in 30 days" if row.sold else ""
            st.caption(words.plain(words.variant(row)) + sold)


def show_recent(seen: Overview) -> None:
    """Show the latest movements."""
    with frame.heading("Latest movements"):
        links.to_page("movements", "All movements", icon=":material/arrow_forward:")
    if not seen.recent:
        st.caption("There are no movements yet. Receive a delivery or set a level on the Stock page.")
        return
    tables.show_movements(seen.recent, seen.shop.zone, key="ovw_recent", pick=drawer.open_movement)
