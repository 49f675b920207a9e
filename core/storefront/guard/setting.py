"""How the Stripe guard is set, by whom, and the record of what it found, asked of Stripe, and was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.settings import Settings
from core.people.access import Permission
from core.people.guard import ask, require

MOST_LISTED = 100
MOST_PER_HOUR = 1_000


class Mode(StrEnum):
    """How the guard is set."""

    OFF = "off"
    DRY = "dry"
    ON = "on"


class Act(StrEnum):
    """What the guard does. It leaves a Payment Link alone that a person has activated although units are out."""

    DEACTIVATE = "deactivate"
    ACTIVATE = "activate"
    EXPIRE = "expire"
    LEAVE = "leave"


class ActState(StrEnum):
    """What became of an act. `LOST`: there was no answer, and Stripe shows that nothing happened."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    LOST = "lost"
    DRY = "dry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How the guard is set. `stopped_why`: it stopped by itself. `trouble`: its last look at Stripe failed."""

    mode: Mode
    most_per_hour: int
    set_by: str | None
    set_at: datetime | None
    stopped_at: datetime | None
    stopped_why: str | None
    looked_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A variant in what Stripe sells: the fewest units that one purchase takes, and the units that a buyer can have."""

    sku: str
    least: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One line of the record."""

    act_id: int
    act: Act
    object_id: str
    found: tuple[Found, ...]
    asked: str
    state: ActState
    answer: str | None
    mode: Mode
    set_by: str
    created_at: datetime
    answered_at: datetime | None


def setting(connection: Connection, actor: Actor) -> Setting:
    """Return how the guard is set. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_STRIPE)
    fields = ", ".join(Setting.__dataclass_fields__)
    rows = call(connection, f"select {fields} from stockroom_api.guard_state", {})  # noqa: S608
    return rows_of(Setting, rows, mode=Mode)[0]


def has_key(connection: Connection, actor: Actor, *, settings: Settings) -> bool:
    """Return whether the guard has a key of its own. The sandbox of the sample shop has one."""
    require(connection, actor, Permission.MANAGE_STRIPE)
    if settings.stripe_guard_key or settings.stripe_secret_key:
        return settings.stripe_guard_key is not None
    return call(connection, "select is_sample from stockroom_api.shop", {})[0][0] is True


def set_to(
    connection: Connection,
    actor: Actor,
    *,
    mode: Mode | None = None,
    most_per_hour: int | None = None,
    has_key: bool = False,
) -> None:
    """Set the guard; what is None stays. It is on only with a key of its own. Off is valid at once, also in a run.

    Raises InvalidInput, Forbidden, SignInRequired.
    """
    if most_per_hour is not None and not 1 <= most_per_hour <= MOST_PER_HOUR:
        raise invalid("changes an hour", f"must be from 1 to {MOST_PER_HOUR:,}")
    if mode is not None and Mode(mode) is Mode.ON and not has_key:
        raise invalid("guard", "needs a key of its own in STOCKROOM_STRIPE_GUARD_KEY")
    ask(connection, actor, Permission.MANAGE_STRIPE, "set_guard", mode=mode and Mode(mode), most=most_per_hour)


def record(connection: Connection, actor: Actor, *, limit: int = MOST_LISTED) -> tuple[Noted, ...]:
    """Return the latest lines of the record, newest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_STRIPE)
    fields = ", ".join(Noted.__dataclass_fields__)
    statement = f"select {fields} from stockroom_api.guard_acts order by act_id desc limit %(limit)s"  # noqa: S608
    rows = call(connection, statement, {"limit": limit})
    return rows_of(Noted, rows, act=Act, found=_found, state=ActState, mode=Mode)


def _found(rows: list[dict[str, Any]]) -> tuple[Found, ...]:
    return tuple(Found(sku=row["sku"], least=row["least"], available=row["available"]) for row in rows)
