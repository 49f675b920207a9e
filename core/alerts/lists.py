"""The lists of cases as pages show them: one row an order or a product, with all its cases under the filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import BigInteger, Connection, distinct, func, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from core.alerts.reads import KEYS, Alert, AlertFilter, CaseList, matching, rows
from core.foundation import paging
from core.foundation.model import Actor
from core.foundation.paging import Page
from core.people.access import Permission
from core.people.guard import require

MOST_OTHERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A row of a list: the cases of one order, of the levels of one product, or one case; the most urgent first."""

    alerts: tuple[Alert, ...]

    @property
    def first(self) -> Alert:
        """The most urgent of its cases."""
        return self.alerts[0]

    @property
    def alert_ids(self) -> list[int]:
        """The ids of its cases."""
        return [alert.alert_id for alert in self.alerts]

    @property
    def units(self) -> int:
        """Units that were paid for and are not off the shelf."""
        return sum(alert.units for alert in self.alerts)

    @property
    def money(self) -> int:
        """The money at stake in all its cases, in minor units."""
        return sum(alert.money for alert in self.alerts)

    @property
    def currency(self) -> str | None:
        """The currency of its money."""
        return next((alert.currency for alert in self.alerts if alert.currency), None)

    @property
    def first_at(self) -> datetime:
        """When its oldest case opened."""
        return min(alert.first_at for alert in self.alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What surrounds a list: how many rows each list has under the same filter, and when its last case opened."""

    counts: Mapping[CaseList, int]
    last_at: datetime | None


def page(
    connection: Connection,
    actor: Actor,
    *,
    filter: AlertFilter,  # noqa: A002 - the word of the page
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CaseRow]:
    """Return a page of rows: those with failed stock updates first, then the most severe, then the oldest.

    Raises InvalidInput for a cursor of another list.
    """
    require(connection, actor, Permission.VIEW)
    found = matching(filter).subquery()
    order = aggregate_order_by(found.c.alert_id, found.c.rank, found.c.first_at, found.c.alert_id)
    grouped = (
        select(
            func.min(found.c.rank).label("rank"),
            func.min(found.c.first_at).label("first_at"),
            func.min(found.c.alert_id).label("alert_id"),
            func.array_agg(order, type_=ARRAY(BigInteger)).label("ids"),
        )
        .group_by(found.c.subject)
        .subquery()
    )
    keys = (grouped.c.rank, grouped.c.first_at, grouped.c.alert_id)
    part = paging.read(connection, select(grouped), keys, cursor=cursor, limit=limit)
    cases = rows(connection, [alert_id for row in part.rows for alert_id in row.ids])
    return part.of(
        CaseRow(alerts=tuple(cases[alert_id] for alert_id in row.ids if alert_id in cases)) for row in part.rows
    )


def others(connection: Connection, actor: Actor, *, alert: Alert) -> tuple[Alert, ...]:
    """Return the other open cases of the order or product of a case, the most urgent first."""
    require(connection, actor, Permission.VIEW)
    subject = select(KEYS.c.subject).where(KEYS.c.alert_id == alert.alert_id).scalar_subquery()
    query = matching(AlertFilter(snoozed=None)).where(KEYS.c.subject == subject, KEYS.c.alert_id != alert.alert_id)
    found = connection.execute(query.order_by(KEYS.c.rank, KEYS.c.alert_id).limit(MOST_OTHERS)).all()
    cases = rows(connection, [row.alert_id for row in found])
    return tuple(cases[row.alert_id] for row in found if row.alert_id in cases)


def around(connection: Connection, actor: Actor, *, filter: AlertFilter) -> Around:  # noqa: A002
    """Return what surrounds the list under a filter."""
    require(connection, actor, Permission.VIEW)
    found = matching(replace(filter, list=None)).subquery()
    query = select(found.c.list, func.count(distinct(found.c.subject)).label("rows")).group_by(found.c.list)
    counts = {CaseList(row.list): int(row.rows) for row in connection.execute(query)}
    last = select(func.max(KEYS.c.first_at))
    if filter.list is not None:
        last = last.where(KEYS.c.list == filter.list.value)
    return Around(
        counts=counts, last_at=None if filter.list and counts.get(filter.list) else connection.execute(last).scalar()
    )
