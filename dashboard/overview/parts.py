"""The parts of the Overview page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import escape

import streamlit as st

from core.foundation.model import DayFlow, MovementType
from core.ledger.charts import Choice, of_days
from core.screens.stock import Overview
from dashboard.alerts import listing, steps
from dashboard.alerts import tables as cases
from dashboard.frame import charts, drawer, links, lists, selling, tables, words
from dashboard.frame import page as frame
from dashboard.frame.charts import choosing
from dashboard.language.texts import inside, marked, tr

PERIOD = lists.Choice(label=marked("Period"), key="ovw_days", options=lists.DAYS, usual="30 days")
"""The days that the numbers and the chart cover."""
_CHOSEN = "ovw_pick"
PURPOSE = marked("Overview shows what is in stock, what was sold, and what needs attention.")


def show_caption(seen: Overview) -> None:
    """Show the shop's name, its time zone, and the age of the last movement."""
    moved = tr("no movements yet")
    if seen.last_at:
        moved = tr("last movement {last_at}", last_at=words.ago(seen.last_at, datetime.now(UTC)))
    st.caption(words.plain(words.joined(seen.shop.name, moved, tr("times are in {zone}", zone=seen.shop.zone))))


def show_numbers(seen: Overview, days: int) -> None:
    """Show the numbers at the top. Those about levels link to the variants behind them."""
    sold = _series(seen.flows, seen.shop.today, days, {MovementType.SALE}, came=-1, went=1)
    net = _series(seen.flows, seen.shop.today, days, set(MovementType), came=1, went=-1)
    summary, currency = seen.summary, seen.shop.currency
    period = tr("in {days} days", days=days)
    with st.grid(4, min_column_width=160, gap="small"):
        st.metric(
            tr("Units on hand"),
            words.number(summary.units),
            words.signed(sum(net)),
            delta_description=period,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            chart_data=net,
            chart_type="bar",
            help=tr("Units of active variants physically in stock. The bars are the net change of each day."),
        )
        st.metric(
            tr("Units sold"), words.number(sum(sold)), delta_description=period, border=True,
            height="stretch", chart_data=sold[:-1], chart_type="area",
            help=tr("Units of sale movements, minus those undone. The line ends yesterday."),
        )  # fmt: skip
        st.metric(
            tr("Stock value"), words.round_money(summary.value_at_price, currency), border=True, height="stretch",
            delta=_at_cost(seen), delta_color="off", delta_arrow="off",
            help=_about_value(seen),
        )  # fmt: skip
        with st.container(border=True, height="stretch", key="flush_levels", gap="xsmall"):
            st.markdown(tr("Levels"))
            healthy = summary.variants - summary.low - summary.out_of_stock
            for count, status, icon in (
                (summary.out_of_stock, tr("Out of stock"), "error"),
                (summary.low, tr("Low"), "warning"),
                (healthy, tr("In stock"), "check_circle"),
            ):
                label = f"**{words.number(count)}** {inside(status)}"
                links.to_page("stock", label, icon=f":material/{icon}:", stk_status=status)
    _describe_charts(net, sold[:-1], days)


def _describe_charts(net: Sequence[int], sold: Sequence[int], days: int) -> None:
    """Say what the charts of the numbers show; `dashboard/static/readers.js` gives each chart its text."""
    least, most = words.signed(min(net, default=0)), words.signed(max(net, default=0))
    highest = words.units(max(sold, default=0))
    texts = (
        tr("Net change of each day in {days} days: from {least} to {most} units.", days=days, least=least, most=most),
        tr("Units sold on each day in {days} days: {highest} at most.", days=days, highest=highest),
    )
    st.html(f'<span class="stockroom-charts" data-texts="{escape(json.dumps(texts))}" hidden></span>')


def _at_cost(seen: Overview) -> str | None:
    """Return the value of the shelf at cost."""
    summary = seen.summary
    value = words.round_money(summary.value_at_cost, seen.shop.currency)
    if not summary.value_at_cost and not summary.uncosted:
        return None
    if not summary.value_at_cost:
        return tr("No cost is known")
    return tr("{value} at cost", value=value)


def _about_value(seen: Overview) -> str:
    """Return what the value of the shelf is, and how many variants have no known cost."""
    about = tr("Units on hand at their selling price, and at their average cost as far as it is known")
    if not seen.summary.uncosted:
        return about
    variants = words.plural(seen.summary.uncosted, "variant")
    return f"{about}. {tr('{variants} without a cost', variants=variants)}"


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
    with frame.heading(tr("Units moved per day")):
        PERIOD.show()
    until = seen.shop.today + timedelta(days=1)
    since = until - timedelta(days=days)
    if not seen.flows:
        frame.empty(
            tr("No movements in this period"), tr("Choose a longer period, or receive a delivery on the Stock page.")
        )
        return
    chart = of_days(seen.flows, since, until)
    found = chosen()
    choice = Choice(first=found[0], last=found[1]) if found else None
    choosing.show(
        charts.flow_chart(chart, choice=choice), key=f"ovw_flows_{len(chart.starts)}", alt=charts.describe(chart),
        param=_CHOSEN, days_of=chart.days_of,
    )  # fmt: skip
    charts.show_flow_table(chart, "ovw_table")


def chosen() -> choosing.Days | None:
    """Return the days that were chosen in the chart."""
    return choosing.read(_CHOSEN)


def show_attention(seen: Overview) -> None:
    """List failed updates first, then what else waits for a person, each as one line with a link."""
    waiting = seen.waiting
    with frame.heading(tr("Needs attention")):
        if waiting.failed_updates:
            st.badge(words.plural(waiting.failed_updates, "failed update"), color="red")
    _show_failed(seen)
    levels = words.plural(waiting.levels, "product")
    variants = [
        f"{words.number(count)} {text}"
        for count, text in ((seen.summary.out_of_stock, tr("out of stock")), (seen.summary.low, tr("low")))
        if count
    ]
    _line(waiting.decisions, "violet", "gavel", "decision about a payment", tr("Disputes and double payments"),
          "alerts", many="decisions about payments", alr_list="Decisions")  # fmt: skip
    _line(waiting.refunds, "violet", "currency_exchange", "refund to decide", tr("Decide what happened to the goods"),
          "orders", many="refunds to decide", ord_view="Refunds to decide")  # fmt: skip
    _line(
        seen.arrived,
        "green",
        "local_shipping",
        "order can be sent",
        tr("The buyer waited, and the goods have arrived"),
        "orders",
        many="orders can be sent",
        ord_view="Waiting for goods",
    )
    _line(waiting.machinery, "orange", "build", "case of the machinery", tr("Jobs, backups, proofs and messages"),
          "alerts", many="cases of the machinery", alr_list="Machinery")  # fmt: skip
    if waiting.levels or variants:
        about = tr("{levels} at a low level", levels=levels) if waiting.levels else tr("Levels")
        _row(
            "orange",
            "inventory_2",
            about,
            tr("Variants: {variants}", variants=words.listing(variants)) if variants else "",
            "alerts",
            alr_list="Levels",
        )


def _show_failed(seen: Overview) -> None:
    """Show the failed updates with what is at stake and the first of them, or when the last one was."""
    if not seen.waiting.failed_updates:
        last = listing.last(seen.around.last_at, seen.shop.zone)
        _row("green", "task_alt", tr("No failed updates"), last, "alerts")
        return
    label = f"{words.plural(seen.waiting.failed_updates, 'failed update')}"
    _row("red", "notifications", label, selling.at_stake(seen.stake), "alerts")
    now = datetime.now(UTC)
    for row in seen.failed:
        case = row.first
        money = selling.money(row.money, row.currency) if row.money else ""
        about = words.joined(", ".join(cases.kinds(row)), money, words.ago(row.first_at, now), tr(steps.of(case)))
        _row("red", "error", cases.name(row), about, "alerts", alert=str(case.alert_id), alr_step=steps.of(case))


def _line(
    count: int, colour: str, icon: str, one: str, about: str, page: str, *, many: str, **query: str
) -> None:  # fmt: skip
    if count:
        _row(colour, icon, words.plural(count, one, many), about, page, **query)


def _row(colour: str, icon: str, label: str, about: str, page: str, **query: str) -> None:
    with st.container(horizontal=True, wrap=False, gap="xsmall"):
        st.markdown(f":{colour}[:material/{icon}:]", width="content")
        with st.container(gap=None, key=f"flush_{icon}_{page}_{'_'.join(query.values())}"):
            links.to_page(page, f"**{words.plain(label)}**", **query)
            if about:
                st.caption(words.plain(about))


def show_recent(seen: Overview) -> None:
    """Show the latest movements, or those of the days that were chosen in the chart."""
    days = chosen()
    with frame.heading(tr("Latest movements")):
        span = {"mov_from": days[0].isoformat(), "mov_to": days[1].isoformat()} if days else {}
        links.to_page("movements", tr("All movements"), icon=":material/arrow_forward:", **span)
    choosing.show_choice(_CHOSEN)
    if not seen.recent and days:
        st.caption(tr("Nothing moved on these days."))
    elif not seen.recent:
        st.caption(tr("There are no movements yet. Receive a delivery or set a level on the Stock page."))
    else:
        key = f"ovw_recent_{days[0]}_{days[1]}" if days else "ovw_recent"
        tables.show_movements(seen.recent, seen.shop.zone, key=key, pick=drawer.open_movement)
