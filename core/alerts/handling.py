"""What can be done with every case: acknowledge, snooze, assign, resolve; one or many at once, all of them or none.

Rules and locks: core/sql/55_cases/2_handling.sql. Each step is recorded in the history of its case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation import days
from core.foundation.model import Actor
from core.foundation.text import clean
from core.orders.cases import LONGEST_NOTE
from core.people.access import Permission
from core.people.guard import ASKER, asker

BOTH_ARE_RIGHT = "Both are right"
"""The reason with which the case of a double payment is resolved. The database knows it too."""
MORNING = time(8)
"""When a case that is snoozed until a day wakes, in the shop's zone."""


class Nap(StrEnum):
    """How long a case can be snoozed."""

    HOUR = "hour"
    TOMORROW = "tomorrow"
    NEXT_WEEK = "next_week"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A person to whom a case can be assigned."""

    user_id: int
    name: str


def wakes_at(nap: Nap, zone: str, now: datetime) -> datetime:
    """Return when a case wakes that is snoozed now: in an hour, tomorrow morning, or on Monday morning."""
    if nap is Nap.HOUR:
        return now + timedelta(hours=1)
    today = days.of(now, zone)
    later = timedelta(days=1 if nap is Nap.TOMORROW else 7 - today.weekday())
    return days.moment(datetime.combine(today + later, MORNING), zone).astimezone(ZoneInfo(zone))


def acknowledge(connection: Connection, actor: Actor, *, alert_ids: Sequence[int]) -> None:
    """Acknowledge cases. Raises InvalidInput if one is resolved, Forbidden, SignInRequired."""
    values = asker(actor, Permission.HANDLE_ALERT) | {"ids": array(alert_ids)}
    call(connection, f"select stockroom_api.acknowledge_alerts({ASKER}, cast(%(ids)s as bigint[]))", values)


def snooze(connection: Connection, actor: Actor, *, alert_ids: Sequence[int], until: datetime | None) -> None:
    """Snooze cases until a moment; None wakes them now.

    Raises InvalidInput if one is resolved or the moment is not within the next year, Forbidden, SignInRequired.
    """
    values = asker(actor, Permission.HANDLE_ALERT) | {"ids": array(alert_ids), "until": until}
    statement = f"""select stockroom_api.snooze_alerts({ASKER}, cast(%(ids)s as bigint[]),
                                                       cast(%(until)s as timestamptz))"""
    call(connection, statement, values)


def assign(connection: Connection, actor: Actor, *, alert_ids: Sequence[int], user_id: int | None) -> None:
    """Assign cases to a person, or, with None, to nobody.

    Raises InvalidInput if one is resolved or the person may not handle cases, Forbidden, SignInRequired.
    """
    values = asker(actor, Permission.HANDLE_ALERT) | {"ids": array(alert_ids), "to": user_id}
    statement = f"select stockroom_api.assign_alerts({ASKER}, cast(%(ids)s as bigint[]), cast(%(to)s as bigint))"
    call(connection, statement, values)


def resolve(
    connection: Connection, actor: Actor, *, alert_ids: Sequence[int], reason: str, buyers_wait: bool = False
) -> None:
    """Resolve cases with a reason. The missing units of an order become oversold; `buyers_wait` for them or not.

    Raises InvalidInput if one is resolved already or the reason is missing, Forbidden, SignInRequired.
    """
    values = {"ids": array(alert_ids), "reason": clean(reason, "reason", LONGEST_NOTE), "wait": buyers_wait}
    statement = f"select stockroom_api.resolve_alerts({ASKER}, cast(%(ids)s as bigint[]), %(reason)s, %(wait)s)"
    call(connection, statement, asker(actor, Permission.RESOLVE_ALERT) | values)


def both_are_right(connection: Connection, actor: Actor, *, alert_id: int) -> None:
    """Resolve the case of a double payment: the buyer wanted both. Its order number may repeat from now on.

    Raises InvalidInput if the case is resolved or about something else, Forbidden, SignInRequired.
    """
    values = asker(actor, Permission.RESOLVE_ALERT) | {"id": alert_id, "reason": BOTH_ARE_RIGHT}
    call(connection, f"select stockroom_api.resolve_double({ASKER}, %(id)s, %(reason)s)", values)


def hands(connection: Connection, actor: Actor) -> tuple[Hand, ...]:
    """Return the people to whom a case can be assigned, by name."""
    statement = f"select user_id, name from stockroom_api.case_hands({ASKER})"  # noqa: S608 - nothing of a caller is in it
    return rows_of(Hand, call(connection, statement, asker(actor, Permission.HANDLE_ALERT)))
