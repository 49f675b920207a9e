"""How long cases wait for a person, how long they may, and sending those on that waited too long.

Rules and locks: core/sql/40_alerts/3_escalation.sql.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.model import Actor
from core.foundation.sales import AlertKind
from core.people.access import Permission
from core.people.guard import ASKER, asker, require

DAYS = 90
"""The days whose cases are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long the cases of a kind took: the median seconds until a person acted, and until the case was resolved.

    `waiting` cases have had nobody yet. A median is None where no case got that far.
    """

    kind: AlertKind
    cases: int
    waiting: int
    first_hand: float | None
    resolution: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many hours a case may wait before it is sent once more; None: it is not."""

    urgent: int | None = 4
    other: int | None = 24
    levels: int | None = None


def times(connection: Connection, actor: Actor, *, days: int = DAYS) -> tuple[Times, ...]:
    """Return how long the cases took that opened in the last `days` days, by kind."""
    require(connection, actor, Permission.VIEW)
    statement = """select kind, cases, waiting, first_hand, resolution
                     from stockroom_api.case_times(%(since)s)"""
    found = call(connection, statement, {"since": datetime.now(UTC) - timedelta(days=days)})
    return tuple(
        Times(kind=AlertKind(row[0]), cases=row[1], waiting=row[2], first_hand=row[3], resolution=row[4])
        for row in found
    )


def limits(connection: Connection, actor: Actor) -> Limits:
    """Return how long cases may wait. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_NOTIFICATIONS)
    statement = "select urgent_hours, other_hours, level_hours from stockroom_api.waiting_limits"
    return rows_of(Limits, call(connection, statement, {}))[0]


def save_limits(connection: Connection, actor: Actor, *, limits: Limits) -> None:
    """Save how long cases may wait. Raises InvalidInput, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_NOTIFICATIONS)
    values |= {"urgent": limits.urgent, "other": limits.other, "levels": limits.levels}
    statement = f"""select stockroom_api.save_waiting_limits({ASKER}, cast(%(urgent)s as int), cast(%(other)s as int),
                                                             cast(%(levels)s as int))"""
    call(connection, statement, values)


def escalate(connection: Connection, _: Actor, *, names: list[str]) -> int:
    """Send each case that waited too long once more, to its next destination, and return how many."""
    return int(call(connection, "select stockroom_api.escalate_cases(%(names)s)", {"names": names})[0][0])
