"""The chart of the Movements page: how it is drawn, what was chosen in it, and the sums above the list."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.foundation.model import Actor, MovementType
from core.ledger import charts as core_charts
from core.ledger.charts import Choice, Sums, View
from core.ledger.flows import Group, Step
from core.people.access import Permission, may
from core.screens.stock import Ledger
from dashboard.door import session
from dashboard.frame import charts, lists, words
from dashboard.frame.charts import choosing
from dashboard.language.texts import inside, marked, source, tr

DAYS, NAME = "mov_pick", "mov_of"
"""The parameters of what was chosen: days, and the name of a group."""
_GROUP = lists.Choice(
    label=marked("Group by"),
    key="mov_group",
    options={label: group for group, label in source(charts.GROUPS).items()},
    usual="Type",
)
_STEPS = marked({"Automatic": None, "Day": Step.DAY, "Week": Step.WEEK, "Month": Step.MONTH})
_STEP = lists.Choice(label=marked("A bar is a"), key="mov_step", options=_STEPS, usual="Automatic")
_MEASURE = lists.Choice(
    label=marked("Show"), key="mov_in", options={marked("Units"): False, marked("Money"): True}, usual="Units"
)
_COMPARE = lists.Choice(
    label=marked("Compare with"),
    key="mov_compare",
    options={marked("Nothing"): False, marked("The period before"): True},
    usual="Nothing",
)
_CHOOSE = lists.Choice(
    label=marked("Choose"), key="mov_choose", options={choosing.BAR: False, choosing.RANGE: True}, usual=choosing.BAR
)


def view(person: Actor) -> View:
    """Return how the address says to draw the chart, and what was chosen in it."""
    days, group = choosing.read(DAYS), _GROUP.value()
    name = st.query_params.get(NAME)
    if group is Group.TYPE and name not in list(MovementType):
        name = None
    choice = Choice(first=days[0], last=days[1], name=name) if days else None
    money = _MEASURE.value() and sees_money(person)
    return View(group=group, step=_STEP.value(), money=money, compare=_COMPARE.value(), choice=choice)


def sees_money(person: Actor) -> bool:
    """Return whether a person may see what units cost."""
    return may(person.role, Permission.SEE_MONEY)


def forget() -> None:
    """Take back what was chosen."""
    choosing.write(DAYS, None)
    lists.put(NAME, None)


def show(seen: Ledger, wanted: View, person: Actor) -> None:
    """Show the units or the money under the filter over time, as a chart and as a table."""
    chart, currency = seen.chart, seen.shop.currency
    last = chart.until - timedelta(days=1)
    st.markdown(tr("**{since} to {last}**", since=words.day(chart.since), last=words.day(last)))
    _show_controls(person)
    measure = charts.Measure(currency=currency if wanted.money else None)
    if not chart.flows and not chart.before:
        st.caption(tr("Nothing moved in this period."))
        return
    figure = charts.flow_chart(chart, measure, choice=wanted.choice, height=240)
    choosing.show(
        figure, key=f"mov_chart_{chart.group}_{chart.step}_{wanted.money}", alt=charts.describe(chart, measure),
        param=DAYS, days_of=chart.days_of, by_range=_CHOOSE.value(), then=lambda days: _chosen(chart.since, last, days),
    )  # fmt: skip
    asked = _STEP.value()
    if asked and chart.step is not asked:
        st.caption(
            tr(
                "These are too many days for a bar a {wanted}, so a bar is a {step}.",
                wanted=inside(charts.STEPS[asked]),
                step=inside(charts.STEPS[chart.step]),
            )
        )
    if wanted.money:
        _say_uncosted(sum(flow.uncosted for flow in chart.flows))
    _show_choice(seen, wanted.choice)
    charts.show_flow_table(chart, "mov_table", measure)


def _show_controls(person: Actor) -> None:
    with st.grid(5, min_column_width=130, gap="small", key="mov_look"):
        _GROUP.show_as_list(on_change=lambda: lists.put(NAME, None))
        _STEP.show_as_list()
        if sees_money(person):
            _MEASURE.show_as_list()
        _COMPARE.show_as_list()
        _CHOOSE.show_as_list()


def _chosen(since: date, last: date, days: choosing.Days | None) -> None:
    """Keep the days of the chart with the choice, so that the chart stays as it is, also for a colleague."""
    lists.put("mov_page", None)
    lists.put(NAME, None)
    if days:
        st.session_state["mov_from"], st.session_state["mov_to"] = since, last


def _show_choice(seen: Ledger, choice: Choice | None) -> None:
    if choice is None:
        how = tr("Drag across bars to choose them.") if _CHOOSE.value() else tr("Click a bar to choose it.")
        st.caption(tr("{how} The list below follows.", how=how))
        return
    chart = seen.chart
    among = [flow for flow in chart.flows if choice.first <= chart.days_of(flow.start)[1] and flow.start <= choice.last]
    found = [name for name in charts.names(chart) if any(flow.name == name for flow in among)]
    with st.container(horizontal=True, vertical_alignment="center", key="mov_chosen"):
        st.markdown(
            tr("Chosen: **{value}**", value=words.plain(choosing.said((choice.first, choice.last)))), width="content"
        )
        key = f"mov_of_{choice.first}_{choice.last}_{chart.group}"
        st.pills(
            charts.GROUPS[chart.group], found, default=choice.name if choice.name in found else None, key=key,
            format_func=lambda name: charts.label(chart.group, name), label_visibility="collapsed",
            on_change=lambda: _choose_name(st.session_state[key]),
        )  # fmt: skip
        st.button(tr("Show all"), key="mov_unchoose", icon=":material/close:", type="tertiary", on_click=_unchoose)


def _choose_name(name: str | None) -> None:
    lists.put("mov_page", None)
    lists.put(NAME, name)


def _unchoose() -> None:
    lists.put("mov_page", None)
    forget()


def show_sums(box: DeltaGenerator, seen: Ledger, wanted: View, person: Actor) -> None:
    """Show units and value of what is listed on the chart's days, in a container above the list."""
    now, before = session.run(core_charts.sums, filter=seen.wanted, chart=seen.chart, compare=wanted.compare)
    currency = seen.shop.currency
    with box:
        with st.grid(4, min_column_width=150, gap="small", key="mov_sums"):
            _show_sum(tr("Units in"), now.units_in, None if before is None else before.units_in, None)
            _show_sum(tr("Units out"), now.units_out, None if before is None else before.units_out, None)
            if sees_money(person):
                _show_sum(
                    tr("Value in"), _known(now, now.value_in), None if before is None else before.value_in, currency
                )
                _show_sum(
                    tr("Value out"), _known(now, now.value_out), None if before is None else before.value_out, currency
                )
        st.caption(words.plain(_about(now, before, sees_money(person))))
        _say_uncosted(now.uncosted)


def _known(sums: Sums, value: Decimal) -> Decimal | None:
    """Return the value, or None where no cost is known of any unit that moved."""
    return None if sums.uncosted and sums.uncosted == sums.units_in + sums.units_out else value


def _show_sum(label: str, now: Decimal | int | None, before: Decimal | int | None, currency: str | None) -> None:
    def said(amount: Decimal | int) -> str:
        return words.money(Decimal(amount), currency) if currency else words.number(int(amount))

    def briefly(amount: Decimal | int) -> str:
        return words.round_money(Decimal(amount), currency) if currency else words.number(int(amount))

    difference = None
    if before is not None and now is not None:
        difference = f"{'+' if now > before else ''}{briefly(now - before)}" if now != before else "±0"
    about = None if before is None else tr("against {before}", before=briefly(before))
    st.metric(
        label, words.NOTHING if now is None else said(now), difference, delta_description=about, delta_color="off",
        delta_arrow="off", border=True, height="stretch",
    )  # fmt: skip


def _about(now: Sums, before: Sums | None, money: bool) -> str:
    period = choosing.said((now.first, now.last))
    said = (
        tr("Sums of {period}. The value is at cost.", period=period)
        if money
        else tr("Sums of {period}.", period=period)
    )
    if before is None:
        return said
    earlier = choosing.said((before.first, before.last))
    return tr("{said} They are compared with {earlier}.", said=said, earlier=earlier)


def _say_uncosted(units: int) -> None:
    if units:
        st.caption(tr("No cost is known of {units}, so the money is that of the others.", units=words.units(units)))
