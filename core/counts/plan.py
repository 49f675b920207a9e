"""What to count next: the most valuable and longest not counted first. And the rules that an admin sets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import MAX_UNITS, Actor
from core.ledger.changes import units as whole
from core.people.access import Permission
from core.people.guard import ask, require

CLASSES = ("A", "B", "C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits over which a variance needs a second person (None: no limit), days between counts, shares of the value."""

    limit_units: int | None
    limit_money: Decimal | None
    a_days: int
    b_days: int
    c_days: int
    a_share: int
    b_share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A variant of the plan, with the days in which its class is counted."""

    variant_id: UUID
    sku: str
    product: str
    size: str | None
    color: str | None
    on_hand: int
    value: Decimal
    class_: str
    last_counted_at: datetime | None
    days: int
    is_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSum:
    """What a class holds, and how much of it is due."""

    class_: str
    variants: int
    due: int
    value: Decimal


def rules(connection: Connection, actor: Actor) -> Rules:
    """Return the rules of counting."""
    require(connection, actor, Permission.VIEW)
    return rows_of(Rules, call(connection, "select * from stockroom_api.count_rules", {}))[0]


def change_rules(connection: Connection, actor: Actor, *, rules: Rules) -> None:
    """Save the rules. Raises InvalidInput, Forbidden, SignInRequired."""
    values = {field.name: getattr(rules, field.name) for field in fields(Rules)}
    for name in ("a_days", "b_days", "c_days"):
        values[name] = whole(values[name], f"days of {name[0].upper()}", lowest=1, highest=3_650)
    for name in ("a_share", "b_share"):
        values[name] = whole(values[name], f"share of {name[0].upper()}", lowest=int(name < "b"), highest=99)
    if rules.limit_units is not None:
        values["limit_units"] = whole(rules.limit_units, "limit in units", lowest=0, highest=MAX_UNITS)
    if rules.limit_money is not None and not 0 <= rules.limit_money <= 10**9:
        raise invalid("limit in money", "must be between 0 and 1,000,000,000")
    ask(connection, actor, Permission.MANAGE_SHOP, "save_count_rules", **values)


def due(connection: Connection, actor: Actor, *, limit: int) -> tuple[Planned, ...]:
    """Return the variants that are due: class A first, in it the longest not counted, then the most valuable."""
    require(connection, actor, Permission.VIEW)
    statement = """select * from stockroom_api.count_plan where is_due
                    order by class, last_counted_at nulls first, value desc, sku limit %(limit)s"""
    return rows_of(Planned, call(connection, statement, {"limit": limit}))


def classes(connection: Connection, actor: Actor) -> tuple[ClassSum, ...]:
    """Return what each class holds and how much of it is due."""
    require(connection, actor, Permission.VIEW)
    statement = """select class, count(*), count(*) filter (where is_due), coalesce(sum(value), 0)
                     from stockroom_api.count_plan group by class order by class"""
    return rows_of(ClassSum, call(connection, statement, {}))
