"""A view of Movements in a mail: units or money in and out under its filter, by time and group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from core.carts.values import minor_digits
from core.foundation.model import Actor, MovementType, Shop
from core.ledger import charts, movements, reports
from core.ledger.charts import Choice, View
from core.ledger.flows import Flow, Group, Step
from core.ledger.movements import MovementFilter
from core.people.access import Permission, may
from core.views.pages import chosen
from core.views.sections import Chart, Section, asked_day, day, labelled

TYPES = {
    MovementType.PURCHASE: "Purchase",
    MovementType.SALE: "Sale",
    MovementType.RESTORATION: "Restoration",
    MovementType.ADJUSTMENT: "Adjustment",
    MovementType.COUNT: "Count",
}
"""The choices of the page, as its address names them, by code or by label."""
COLOURS = {
    MovementType.PURCHASE: 0,
    MovementType.SALE: 1,
    MovementType.RESTORATION: 5,
    MovementType.ADJUSTMENT: 2,
    MovementType.COUNT: 3,
}
"""The place of each type in the colours of our charts."""
GROUPS = {
    Group.TYPE: "Type",
    Group.REASON: "Reason",
    Group.PERSON: "Person",
    Group.BRAND: "Brand",
    Group.SOURCE: "Source",
}
STEPS = {Step.DAY: "Day", Step.WEEK: "Week", Step.MONTH: "Month"}
USUAL_DAYS = 30
MOST_GROUPS = 7
OTHERS, NONE = "Others", "None"


def section(connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]) -> Section:
    """Return a view of Movements as a section of a mail; money is shown to those who see money."""
    shop = reports.shop(connection, actor)
    wanted, view = filter_of(connection, actor, values), view_of(values)
    view = replace(view, money=view.money and may(actor.role, Permission.SEE_MONEY))
    wanted = charts.chosen(wanted, view, reports.reasons(connection, actor))
    since, until = _period(wanted, shop)
    chart = charts.read(connection, actor, filter=wanted, since=since, until=until, view=view)
    sums = charts.total(chart.flows, since, until - timedelta(days=1))
    within = replace(wanted, since=since, until=until - timedelta(days=1))
    count = movements.count(connection, actor, filter=within)
    many = f"{'more than ' if count.at_least else ''}{count.count:,}"
    facts = [
        ("Movements", many), ("Units in", _signed(sums.units_in)), ("Units out", _signed(-sums.units_out)),
        ("Change", _signed(sums.units_in - sums.units_out)),
    ]  # fmt: skip
    if chart.before is not None:
        before = charts.total(chart.before, since, until)
        facts += [("In, period before", _signed(before.units_in)), ("Out, period before", _signed(-before.units_out))]
    if view.money:
        facts += [
            ("Value in", _money(sums.value_in, shop)), ("Value out", _money(sums.value_out, shop)),
            ("Units without a cost", f"{sums.uncosted:,}"),
        ]  # fmt: skip
    return Section(
        title=title,
        path=path,
        about=f"Movements from {day(since)} to {day(until - timedelta(days=1))}.{_narrowed(values)}",
        facts=tuple(facts),
        columns=(GROUPS[view.group], "Units in", "Units out", *(("Value in", "Value out") if view.money else ())),
        rows=_by_group(chart.flows, view, shop),
        chart=_chart(chart, view, shop),
    )


def filter_of(connection: Connection, actor: Actor, values: Mapping[str, list[str]]) -> MovementFilter:
    """Return the filter that the address of the page names."""
    code = chosen(values, "mov_sku").strip()
    variant = reports.find(connection, actor, code=code) if code else None
    return MovementFilter(
        types=tuple(kind for kind, label in TYPES.items() if {kind.value, label} & set(values.get("mov_type", ()))),
        reasons=_reasons(connection, actor, values.get("mov_reason", ())),
        variant_id=variant.variant_id if variant else None,
        search="" if variant else code,
        brand=chosen(values, "mov_brand") or None,
        performed_by=chosen(values, "mov_by") or None,
        reference=chosen(values, "mov_ref").strip(),
        since=asked_day(chosen(values, "mov_from")),
        until=asked_day(chosen(values, "mov_to")),
    )


def view_of(values: Mapping[str, list[str]]) -> View:
    """Return how the address says that the chart is drawn."""
    group = labelled(chosen(values, "mov_group"), {str(each): label for each, label in GROUPS.items()})
    step = labelled(chosen(values, "mov_step"), {str(each): label for each, label in STEPS.items()})
    return View(
        group=Group(group) if group else Group.TYPE,
        step=Step(step) if step else None,
        money=chosen(values, "mov_in").casefold() == "money",
        compare=bool(chosen(values, "mov_compare")),
        choice=_choice(chosen(values, "mov_pick"), chosen(values, "mov_of") or None),
    )


def _choice(days: str, name: str | None) -> Choice | None:
    """Return the bars that were chosen in the chart: the first and the last day, and the name of a group."""
    first, _, last = days.partition("_")
    since, until = asked_day(first), asked_day(last or first)
    return Choice(first=since, last=until, name=name) if since and until and since <= until else None


def _reasons(connection: Connection, actor: Actor, named: Sequence[str]) -> tuple[str, ...]:
    if not named:
        return ()
    known = reports.reasons(connection, actor)
    return tuple(sorted({row.reason for row in known if {row.reason, row.label} & set(named)})) or tuple(named)


def _period(wanted: MovementFilter, shop: Shop) -> tuple[date, date]:
    """Return the half-open range of days: the filter's, else the last days up to yesterday."""
    last = wanted.until or (shop.today if wanted.since else shop.today - timedelta(days=1))
    first = wanted.since or last - timedelta(days=USUAL_DAYS - 1)
    first = min(max(first, last - timedelta(days=reports.LONGEST_RANGE - 1)), last)
    return first, last + timedelta(days=1)


def _narrowed(values: Mapping[str, list[str]]) -> str:
    names = ("mov_type", "mov_reason", "mov_by", "mov_brand", "mov_sku", "mov_ref")
    said = ", ".join(value for name in names for value in values.get(name, ()) if value)
    return f" Filter: {said}." if said else ""


def _signed(units: int) -> str:
    return f"{'+' if units > 0 else '−' if units else ''}{abs(units):,}"  # noqa: RUF001


def _money(value: Decimal, shop: Shop) -> str:
    sign = "−" if value < 0 else ""  # noqa: RUF001
    return f"{sign}{abs(value):,.{minor_digits(shop.currency)}f} {shop.currency}"


def _named(flow: Flow, view: View) -> str:
    if view.group is Group.TYPE:
        return TYPES[MovementType(flow.name)]
    return flow.name or NONE


def _by_group(found: Sequence[Flow], view: View, shop: Shop) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[Flow]] = {}
    for flow in found:
        groups.setdefault(_named(flow, view), []).append(flow)
    order = list(TYPES.values()) if view.group is Group.TYPE else sorted(groups, key=lambda name: -_size(groups[name]))
    rows = []
    for name in (each for each in order if each in groups):
        flows = groups[name]
        units = (f"{sum(f.units_in for f in flows):,}", f"{sum(f.units_out for f in flows):,}")
        values = (sum((f.value_in for f in flows), Decimal(0)), sum((f.value_out for f in flows), Decimal(0)))
        rows.append((name, *units, *((_money(each, shop) for each in values) if view.money else ())))
    return tuple(rows)


def _size(flows: Sequence[Flow]) -> int:
    return sum(flow.units_in + flow.units_out for flow in flows)


def _chart(chart: charts.Chart, view: View, shop: Shop) -> Chart | None:
    if not chart.flows:
        return None
    largest: dict[str, int] = {}
    for flow in chart.flows:
        largest[_named(flow, view)] = largest.get(_named(flow, view), 0) + flow.units_in + flow.units_out
    kept = sorted(largest, key=lambda name: -largest[name])[:MOST_GROUPS]
    sums: dict[tuple[str, bool], dict[date, float]] = {}
    for flow in chart.flows:
        name = _named(flow, view) if _named(flow, view) in kept else OTHERS
        came, went = (flow.value_in, flow.value_out) if view.money else (flow.units_in, flow.units_out)
        for is_out, amount in ((False, float(came)), (True, -float(went))):
            of_day = sums.setdefault((name, is_out), {})
            of_day[flow.start] = of_day.get(flow.start, 0.0) + amount
    order = list(TYPES.values()) if view.group is Group.TYPE else [*kept, OTHERS]
    colours = {TYPES[kind]: place for kind, place in COLOURS.items()} if view.group is Group.TYPE else {}
    series, places = {}, {}
    for name in order:
        for is_out in (False, True):
            amounts = tuple(sums.get((name, is_out), {}).get(start, 0.0) for start in chart.starts)
            if any(amounts):
                label = f"{name}, {'out' if is_out else 'in'}"
                series[label], places[label] = amounts, colours.get(name, order.index(name))
    monthly = chart.step is Step.MONTH
    return Chart(
        title=f"{'Value' if view.money else 'Units'} in and out by {STEPS[chart.step].lower()}",
        unit=shop.currency if view.money else "units",
        labels=tuple(f"{at:%b %Y}" if monthly else f"{at.day} {at:%b}" for at in chart.starts),
        series=series,
        colours=places,
    )
