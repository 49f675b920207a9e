"""A view of Movements in a mail: units in and out under its filter, by day and by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Connection

from core.foundation.model import Actor, DayFlow, MovementType, Shop
from core.ledger import movements, reports
from core.ledger.movements import MovementFilter
from core.views.pages import chosen
from core.views.sections import Chart, Section, day

TYPES = {
    MovementType.PURCHASE: "Purchase",
    MovementType.SALE: "Sale",
    MovementType.RESTORATION: "Restoration",
    MovementType.ADJUSTMENT: "Adjustment",
    MovementType.COUNT: "Count",
}
"""The choices of the page, as its address names them."""
COLOURS = {
    MovementType.PURCHASE: 0,
    MovementType.SALE: 1,
    MovementType.RESTORATION: 5,
    MovementType.ADJUSTMENT: 2,
    MovementType.COUNT: 3,
}
"""The place of each type in the colours of our charts."""
USUAL_DAYS = 30
LONGEST_DAILY = 92
"""The longest period with one bar a day; a longer one has one bar a month."""
NOTHING = UUID(int=0)
"""The variant id for a code that no variant has: it matches no movement."""


def section(connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]) -> Section:
    """Return a view of Movements as a section of a mail."""
    shop = reports.shop(connection, actor)
    wanted = filter_of(connection, actor, values)
    since, until = _period(wanted, shop)
    found = movements.flows(connection, actor, filter=wanted, since=since, until=until)
    within = replace(wanted, since=since, until=until - timedelta(days=1))
    count = movements.count(connection, actor, filter=within)
    came, went = sum(flow.units_in for flow in found), sum(flow.units_out for flow in found)
    many = f"{'more than ' if count.at_least else ''}{count.count:,}"
    return Section(
        title=title,
        path=path,
        about=f"Movements from {day(since)} to {day(until - timedelta(days=1))}.{_narrowed(values)}",
        facts=(
            ("Movements", many), ("Units in", _signed(came)), ("Units out", _signed(-went)),
            ("Change", _signed(came - went)),
        ),
        columns=("Type", "Units in", "Units out"),
        rows=_by_type(found),
        chart=_chart(found, since, until),
    )  # fmt: skip


def filter_of(connection: Connection, actor: Actor, values: Mapping[str, list[str]]) -> MovementFilter:
    """Return the filter that the address of the page names. What it does not know matches nothing."""
    code = chosen(values, "mov_sku").strip()
    variant = reports.find(connection, actor, code=code) if code else None
    return MovementFilter(
        types=tuple(kind for kind, label in TYPES.items() if {kind.value, label} & set(values.get("mov_type", ()))),
        reasons=_reasons(connection, actor, values.get("mov_reason", ())),
        variant_id=(variant.variant_id if variant else NOTHING) if code else None,
        performed_by=chosen(values, "mov_by") or None,
        reference=chosen(values, "mov_ref").strip(),
        since=_day(chosen(values, "mov_from")),
        until=_day(chosen(values, "mov_to")),
    )


def _reasons(connection: Connection, actor: Actor, named: Sequence[str]) -> tuple[str, ...]:
    if not named:
        return ()
    known = reports.reasons(connection, actor)
    return tuple(sorted({row.reason for row in known if {row.reason, row.label} & set(named)})) or tuple(named)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _period(wanted: MovementFilter, shop: Shop) -> tuple[date, date]:
    """Return the half-open range of days: the filter's, else the last days up to yesterday."""
    last = wanted.until or (shop.today if wanted.since else shop.today - timedelta(days=1))
    first = wanted.since or last - timedelta(days=USUAL_DAYS - 1)
    first = min(max(first, last - timedelta(days=reports.LONGEST_RANGE - 1)), last)
    return first, last + timedelta(days=1)


def _narrowed(values: Mapping[str, list[str]]) -> str:
    names = ("mov_type", "mov_reason", "mov_by", "mov_sku", "mov_ref", "mov_brand", "mov_product")
    said = ", ".join(value for name in names for value in values.get(name, ()) if value)
    return f" Filter: {said}." if said else ""


def _signed(units: int) -> str:
    return f"{'+' if units > 0 else '−' if units else ''}{abs(units):,}"  # noqa: RUF001


def _by_type(found: Sequence[DayFlow]) -> tuple[tuple[str, ...], ...]:
    rows = []
    for kind, label in TYPES.items():
        came = sum(flow.units_in for flow in found if flow.movement_type is kind)
        went = sum(flow.units_out for flow in found if flow.movement_type is kind)
        if came or went:
            rows.append((label, f"{came:,}", f"{went:,}"))
    return tuple(rows)


def _chart(found: Sequence[DayFlow], since: date, until: date) -> Chart | None:
    if not found:
        return None
    monthly = (until - since).days > LONGEST_DAILY
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    bars = sorted({each.replace(day=1) for each in days}) if monthly else days
    sums: dict[tuple[MovementType, bool, date], int] = {}
    for flow in found:
        at = flow.day.replace(day=1) if monthly else flow.day
        for is_out, units in ((False, flow.units_in), (True, -flow.units_out)):
            key = (flow.movement_type, is_out, at)
            sums[key] = sums.get(key, 0) + units
    series, colours = {}, {}
    for kind, label in TYPES.items():
        for is_out, name in ((False, f"{label}, in"), (True, f"{label}, out")):
            values = tuple(float(sums.get((kind, is_out, at), 0)) for at in bars)
            if any(values):
                series[name], colours[name] = values, COLOURS[kind]
    labels = tuple(f"{at:%b %Y}" if monthly else f"{at.day} {at:%b}" for at in bars)
    title = "Units in and out by month" if monthly else "Units in and out by day"
    return Chart(title=title, unit="units", labels=labels, series=series, colours=colours)
