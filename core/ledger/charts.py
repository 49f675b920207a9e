"""What charts of movements show: days and bars, the period before, a choice among the bars, sums, marks of a level.

Pages and mails draw it. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, text

from core.database.reading import read_only, shared
from core.foundation.model import Actor, DayFlow, MovementType, Reason
from core.ledger import flows
from core.ledger.flows import Flow, Group, Step
from core.ledger.movements import MovementFilter
from core.people.access import Permission, may
from core.people.guard import require

_DAY = timedelta(days=1)
USUAL = ((120, Step.DAY), (800, Step.WEEK))
"""The longest ranges, in days, that have a bar a day and a bar a week if nobody chose. Longer ones have one a month."""
LONGEST = ((400, Step.DAY), (2_800, Step.WEEK))
"""The longest ranges that can have them: a chart with more bars shows nothing more."""

MOST_MARKS = 200
_MARKS = text("select * from stockroom_api.level_marks(:variant_id, :since, :most)")
_NO_KIND = ((MovementType.COUNT, ""),)  # no movement is without a reason


class MarkKind(StrEnum):
    """What is marked in a chart of a level."""

    RECEIPT = "receipt"
    COUNT = "count"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMark:
    """A receipt, a count, or a movement that took the last unit: the units that it changed, and the level after it."""

    at: datetime
    kind: MarkKind
    quantity: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Some bars of a chart: the days from `first` to `last`, both included, and a group's name or None for all."""

    first: date
    last: date
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How to draw a chart. `step` None: as the range suggests. `money`: the value of the units at cost."""

    group: Group = Group.TYPE
    step: Step | None = None
    money: bool = False
    compare: bool = False
    choice: Choice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Units in and out over the days from `first` to `last`, both included, and their value at cost, if asked for."""

    first: date
    last: date
    units_in: int
    units_out: int
    value_in: Decimal
    value_out: Decimal
    uncosted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Units for `since` <= day < `until` by step and group. `before`: the same of as many days before, if asked for."""

    since: date
    until: date
    group: Group
    step: Step
    flows: tuple[Flow, ...]
    before: tuple[Flow, ...] | None

    @property
    def starts(self) -> list[date]:
        """The first day of each bar."""
        return starts(self.since, self.until, self.step)

    @property
    def sums_before(self) -> dict[date, Sums]:
        """The sums of the period before, by the first day of the bar that they are compared with."""
        days: dict[date, list[Flow]] = {}
        for flow in self.before or ():
            days.setdefault(begin(flow.start + (self.until - self.since), self.step), []).append(flow)
        return {start: total(found, start, start) for start, found in days.items()}

    def days_of(self, start: date) -> tuple[date, date]:
        """Return the first and the last day of the bar that begins on a day, inside the chart."""
        return max(start, self.since), min(after(start, self.step), self.until) - _DAY


@read_only
def read(
    connection: Connection, actor: Actor, *, filter: MovementFilter, since: date, until: date, view: View  # noqa: A002
) -> Chart:  # fmt: skip
    """Return the chart of a filter for `since` <= day < `until`."""
    step, money = step_of(since, until, view.step), view.money
    now = flows.flows(
        connection, actor, filter=filter, since=since, until=until, group=view.group, step=step, money=money
    )
    before = None
    if view.compare:
        # By day: the bars of the period before need not begin on a Monday or on the first of a month.
        early, undated = since - (until - since), replace(filter, since=None, until=None)
        before = flows.flows(connection, actor, filter=undated, since=early, until=since, money=money)
    return Chart(since=since, until=until, group=view.group, step=step, flows=now, before=before)


@shared
def sums(
    connection: Connection, actor: Actor, *, filter: MovementFilter, chart: Chart, compare: bool  # noqa: A002
) -> tuple[Sums, Sums | None]:  # fmt: skip
    """Return the sums of a filter on the days of a chart, and on as many days before, if asked for.

    They have the value for those who may see money.
    """
    first, last = max(chart.since, filter.since or chart.since), min(chart.until - _DAY, filter.until or chart.until)
    early = first - (last - first + _DAY)
    undated = replace(filter, since=None, until=None)
    return _sums(connection, actor, undated, first, last), (
        _sums(connection, actor, undated, early, first - _DAY) if compare else None
    )


def _sums(connection: Connection, actor: Actor, wanted: MovementFilter, first: date, last: date) -> Sums:
    money = may(actor.role, Permission.SEE_MONEY)
    found = flows.flows(connection, actor, filter=wanted, since=first, until=last + _DAY, step=Step.MONTH, money=money)
    return total(found, first, last)


def total(found: Iterable[Flow], first: date, last: date) -> Sums:
    """Return the sums of some flows."""
    rows = list(found)
    return Sums(
        first=first,
        last=last,
        units_in=sum(row.units_in for row in rows),
        units_out=sum(row.units_out for row in rows),
        value_in=sum((row.value_in for row in rows), Decimal(0)),
        value_out=sum((row.value_out for row in rows), Decimal(0)),
        uncosted=sum(row.uncosted for row in rows),
    )


def of_days(found: Iterable[DayFlow], since: date, until: date) -> Chart:
    """Return the chart of flows by day and type that were read already."""
    rows = (
        Flow(start=flow.day, name=flow.movement_type.value, units_in=flow.units_in, units_out=flow.units_out)
        for flow in found
    )
    return Chart(since=since, until=until, group=Group.TYPE, step=Step.DAY, flows=tuple(rows), before=None)


def marks(
    connection: Connection, actor: Actor, *, variant_id: UUID, since: date | None = None
) -> tuple[LevelMark, ...]:
    """Return the newest `MOST_MARKS` counts, receipts and stock-outs of a variant since a day of the shop."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(_MARKS, {"variant_id": variant_id, "since": since, "most": MOST_MARKS})
    return tuple(LevelMark(**{**row._mapping, "kind": MarkKind(row.kind)}) for row in rows)


def chosen(filter: MovementFilter, view: View, reasons: Sequence[Reason]) -> MovementFilter:  # noqa: A002
    """Return a filter narrowed to the bars that were chosen."""
    choice = view.choice
    if choice is None:
        return filter
    first, last = max(choice.first, filter.since or choice.first), min(choice.last, filter.until or choice.last)
    narrowed = replace(filter, since=first, until=last)
    if choice.name is None:
        return narrowed
    if view.group is Group.TYPE:
        kinds = tuple(kind for kind in filter.types or MovementType if kind == choice.name)
        return replace(narrowed, types=kinds, kinds=() if kinds else _NO_KIND)
    if view.group is Group.REASON:
        named = tuple((row.movement_type, row.reason) for row in reasons if row.label == choice.name)
        return replace(narrowed, kinds=named or _NO_KIND)
    fields = {Group.PERSON: "performed_by", Group.BRAND: "brand", Group.SOURCE: "source"}
    return replace(narrowed, **{fields[view.group]: choice.name})  # type: ignore[arg-type]


def step_of(since: date, until: date, wanted: Step | None) -> Step:
    """Return the wanted step, or one for ranges of this length, but none that makes too many bars."""
    days = (until - since).days
    usual, least = _least(USUAL, days), _least(LONGEST, days)
    return max(wanted or usual, least, key=list(Step).index)


def _least(limits: Sequence[tuple[int, Step]], days: int) -> Step:
    return next((step for longest, step in limits if days <= longest), Step.MONTH)


def starts(since: date, until: date, step: Step) -> list[date]:
    """Return the first day of each day, week or month with a day in `since` <= day < `until`."""
    found, start = [], begin(since, step)
    while start < until:
        found.append(start)
        start = after(start, step)
    return found


def begin(day: date, step: Step) -> date:
    """Return the first day of the day, week or month of a day."""
    if step is Step.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if step is Step.WEEK else day


def after(start: date, step: Step) -> date:
    """Return the first day of the next day, week or month."""
    if step is Step.MONTH:
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if step is Step.WEEK else 1)
