"""All reports, by name, in the order in which the page lists them; and what an address asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from core.database.reading import read_only
from core.foundation.errors import InvalidInput, invalid
from core.foundation.model import Actor
from core.ledger.query import LONGEST_SEARCH
from core.people.access import Permission, may
from core.people.guard import require
from core.reports import accuracy, ageing, instant, losing, money, ordering, returning, selling, shelf, sizes
from core.reports.model import Filter, Grain, Kind, Report, Table
from core.reports.periods import Period, Span, checked, period_of

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        selling.SELL_THROUGH,
        selling.MOVERS,
        shelf.STOCK_DAYS,
        shelf.LOST_SALES,
        ageing.AGEING,
        ageing.DEAD_STOCK,
        sizes.SIZE_RUNS,
        returning.RESTORATIONS,
        returning.REFUND_REASONS,
        losing.LOSSES,
        accuracy.COUNTS,
        ordering.TO_ORDER,
        money.SHELF,
        money.MONEY,
        instant.INSTANT,
    )
}
"""Every report, by its name."""

REPORT, SPAN, FIRST, LAST, BRAND, PRODUCT, BY = (
    "report", "rep_period", "rep_from", "rep_to", "rep_brand", "rep_product", "rep_by",
)  # fmt: skip
"""The parameters of an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an address asks for."""

    span: Span
    period: Period
    filter: Filter


def read(query: Mapping[str, str], today: date) -> Wanted:
    """Return the period and the filter that an address asks for. What cannot be read counts as not given."""
    span = Span(query[SPAN]) if query.get(SPAN) in list(Span) else Span.QUARTER
    try:
        period = period_of(span, today, _day(query.get(FIRST)), _day(query.get(LAST)))
    except InvalidInput:
        span = Span.QUARTER
        period = period_of(span, today)
    by = Grain(query[BY]) if query.get(BY) in list(Grain) else None
    wanted = Filter(brand=query.get(BRAND) or None, product=query.get(PRODUCT, "")[:LONGEST_SEARCH].strip(), by=by)
    return Wanted(span=span, period=period, filter=wanted)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@read_only
def run(connection: Connection, actor: Actor, *, name: str, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Run a report, without its money for a role that may not see money.

    Raises InvalidInput for an unknown report or a period of more than ten years; Forbidden.
    """
    report = REPORTS.get(name)
    if report is None:
        raise invalid("report", "is not known")
    require(connection, actor, report.permission)
    by = filter.by if filter.by in report.grains else next(iter(report.grains), None)
    table = report.run(connection, actor, period=checked(period), filter=replace(filter, by=by))
    if not may(actor.role, Permission.SEE_MONEY):
        return table.without(Kind.MONEY)
    require(connection, actor, Permission.SEE_MONEY)
    return table
