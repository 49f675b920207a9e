"""The parts of the Overview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from core.foundation.model import DayFlow, LevelRow, LevelState, MovementType
from core.screens.stock import Overview
from dashboard.frame import charts, drawer, links, tables, words
from dashboard.frame import page as frame

RANGES = {"7 days": 7, "30 days": 30, "90 days": 90}


def chosen_days() -> int:
    """Return how many days the numbers and the chart cover; the choice itself is drawn with the chart."""
    return RANGES.get(st.session_state.get("ovw_days") or st.query_params.get("ovw_days", ""), 30)


def show_caption(seen: Overview) -> None:
    """Say whose shop this is, in which zone its days are, and how fresh the numbers are."""
    last = words.ago(seen.recent[0].occurred_at, datetime.now(UTC)) if seen.recent else "never"
    st.caption(
        words.plain(f"{seen.shop.name}{words.DOT}last movement {last}{words.DOT}days and times in {seen.shop.zone}")
    )


def show_numbers(seen: Overview, days: int) -> None:
    """Show the four numbers on top; each leads to the list behind it."""
    sold = _series(seen.flows, seen.shop.today, days, {MovementType.SALE}, came=-1, went=1)
    net = _series(seen.flows, seen.shop.today, days, set(MovementType), came=1, went=-1)
    summary, currency = seen.summary, seen.shop.currency
    period = f"in {days} days"
    with st.grid(4, min_column_width=160, gap="small"):
        st.metric(
            "Units on hand", words.number(summary.units), words.signed(sum(net)), delta_description=period,
            delta_color="off", delta_arrow="off", border=True, height="stretch", chart_data=net, chart_type="bar",
            help="Units physically there in active variants; the bars are each day's net change",
        )  # fmt: skip
        st.metric(
            "Units sold", words.number(sum(sold)), delta_description=period, border=True,
            height="stretch", chart_data=sold[:-1], chart_type="area",
            help="Units of sale movements, less those undone; the line ends yesterday, today is not over",
        )  # fmt: skip
        st.metric(
            "Stock value", words.round_money(summary.value_at_price, currency), border=True, height="stretch",
            delta=f"{words.round_money(summary.value_at_cost, currency)} at cost" if summary.value_at_cost else None,
            delta_color="off", delta_arrow="off", help="Units on hand at their selling price",
        )  # fmt: skip
        with st.container(border=True, height="stretch", key="flush_levels", gap="xsmall"):
            st.markdown("Levels")
            _level_link(summary.out_of_stock, "out of stock", "Out of stock", ":material/error:", "red")
            _level_link(summary.low, "low", "Low", ":material/warning:", "orange")
            healthy = summary.variants - summary.low - summary.out_of_stock
            _level_link(healthy, "in stock", "In stock", ":material/check_circle:", "green")


def _level_link(count: int, label: str, status: str, icon: str, colour: str) -> None:
    query = {"stk_status": status} if status else {}
    links.to_page("stock", f"**{words.number(count)}** {label}", icon=icon, **query)


def _series(
    flows: Sequence[DayFlow], today: date, days: int, kinds: set[MovementType], *, came: int, went: int
) -> list[int]:
    sums = {today - timedelta(days=back): 0 for back in reversed(range(days))}
    for flow in flows:
        if flow.movement_type in kinds and flow.day in sums:
            sums[flow.day] += came * flow.units_in + went * flow.units_out
    return list(sums.values())


def show_flows(seen: Overview, days: int) -> None:
    """Show what moved by type and day, as a chart and as its table."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Units moved per day", anchor=False)
        st.segmented_control(
            "Period", list(RANGES), default="30 days", required=True, key="ovw_days", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    until = seen.shop.today + timedelta(days=1)
    since = until - timedelta(days=days)
    if not seen.flows:
        frame.empty("Nothing moved in this period", "Choose a longer one, or receive a delivery on the Stock page.")
        return
    charts.show(
        charts.flow_chart(seen.flows, since, until), key="ovw_flows", alt=charts.describe(seen.flows, since, until)
    )
    charts.show_flow_table(seen.flows, "ovw_table")


def show_attention(seen: Overview) -> None:
    """List what waits for somebody, and what is out of stock or low, each leading to the place to finish it."""
    count = seen.summary.out_of_stock + seen.summary.low
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Needs attention", anchor=False)
        if count:
            st.badge(f"{words.number(count)} to reorder", color="orange")
    _show_waiting(seen)
    rows = [*seen.out[:4], *seen.low][:6]
    if not rows:
        st.caption("Nothing is low or out of stock.")
    for row in rows:
        _attention(row)


def _show_waiting(seen: Overview) -> None:
    waiting = seen.waiting
    if waiting.cases:
        failed, levels = waiting.failed_updates, waiting.levels
        told = {
            f"{words.number(failed)} paid and not off the shelf": failed,
            f"{words.number(levels)} about levels": levels,
        }
        what = ", ".join(said for said, count in told.items() if count) or "None of them about paid stock"
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
                st.caption("What became of the goods is not said yet")


def _attention(row: LevelRow) -> None:
    out = row.state == LevelState.OUT
    said = "Out of stock" if out else f"{words.units(row.on_hand)} left, reorder at {words.number(row.reorder_point)}"
    with st.container(horizontal=True, wrap=False, gap="xsmall"):
        st.markdown(":red[:material/error:]" if out else ":orange[:material/warning:]", width="content")
        with st.container(gap=None, key=f"flush_{row.sku}"):
            links.to_page("stock", f"**{words.plain(row.sku)}**{words.DOT}{said}", sku=row.sku)
            sold = f", {words.number(row.sold)} sold in 30 days" if row.sold else ""
            st.caption(words.plain(words.variant(row)) + sold)


def show_recent(seen: Overview) -> None:
    """Show the latest movements."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Latest movements", anchor=False)
        links.to_page("movements", "All movements", icon=":material/arrow_forward:")
    if not seen.recent:
        st.caption("Nothing has moved yet. Receive a delivery or count a shelf on the Stock page.")
        return
    tables.show_movements(seen.recent, seen.shop.zone, key="ovw_recent", pick=drawer.open_movement)
