"""Sessions of counting: begin one, move it from state to state, and list them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, one_statement, rows_of
from core.foundation.errors import invalid
from core.foundation.model import MAX_LINES, Actor
from core.foundation.text import clean, clean_line
from core.ledger.changes import units
from core.people.access import Permission, roles_for
from core.people.guard import ask, require

LONGEST_NAME = 80
LISTED = 100


class Scope(StrEnum):
    """What a session covers."""

    EVERYTHING = "everything"
    BRAND = "brand"
    PRODUCT = "product"
    SIZE_RUNS = "size_runs"
    LIST = "list"
    NOT_COUNTED = "not_counted"
    MOST_VALUABLE = "most_valuable"


class State(StrEnum):
    """The state of a session. Variances are decided in review."""

    COUNTING = "counting"
    PAUSED = "paused"
    REVIEW = "review"
    APPLIED = "applied"
    CANCELLED = "cancelled"
    UNDONE = "undone"


OPEN = (State.COUNTING, State.PAUSED, State.REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCount:
    """A session that takes entries now."""

    count_id: int
    name: str
    is_blind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session with its progress in lines. `extra`: lines that were counted though they are not in the scope."""

    count_id: int
    name: str
    scope: Scope
    scope_value: str | None
    is_blind: bool
    state: State
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    operation_id: int | None
    undone_by: str | None
    undone_at: datetime | None
    lines: int
    counted: int
    extra: int


def products(connection: Connection, actor: Actor) -> dict[UUID, str]:
    """Return the names of all products with a variant, sorted."""
    require(connection, actor, Permission.VIEW)
    statement = "select distinct product, product_id from stockroom_api.levels order by product, product_id"
    return {product_id: name for name, product_id in call(connection, statement, {})}


@one_statement
def start(
    connection: Connection,
    actor: Actor,
    *,
    name: str,
    scope: Scope,
    key: str,
    is_blind: bool = False,
    brand: str | None = None,
    product_ids: Sequence[UUID] = (),
    variant_ids: Sequence[UUID] = (),
    days: int | None = None,
) -> int:
    """Begin a session with the variants of its scope, and return its number. The same key returns the same session.

    A brand, products, listed variants or `days` belong to the scope of that name. Raises InvalidInput if the scope
    covers nothing, KeyReused, Forbidden, SignInRequired.
    """
    ids: Sequence[UUID] = ()
    said, text, number = None, None, None
    if scope is Scope.BRAND:
        said = text = clean(brand or "", "brand", 200)
    elif scope is Scope.PRODUCT:
        ids = _some(product_ids, "products")
    elif scope is Scope.LIST:
        ids = _some(variant_ids, "list")
    elif scope is Scope.NOT_COUNTED:
        number = units(days, "days", lowest=1, highest=3_650)
        said = str(number)
    found = ask(
        connection, actor, Permission.COUNT, "start_count", key=clean(key, "key", 200),
        title=clean_line(name, "name", LONGEST_NAME), scope=Scope(scope).value, said=said, is_blind=bool(is_blind),
        text=text, ids=array(ids), number=number,
    )  # fmt: skip
    return int(found[0][0])


def _some(ids: Sequence[UUID], field: str) -> Sequence[UUID]:
    if not 1 <= len(ids) <= MAX_LINES:
        raise invalid(field, f"must have 1 to {MAX_LINES:,} entries")
    return sorted(set(ids))


def pause(connection: Connection, actor: Actor, *, count_id: int) -> None:
    """Pause a session: it takes no entries until it is resumed. Raises InvalidInput if it is not being counted."""
    _move(connection, actor, count_id, State.PAUSED)


def resume(connection: Connection, actor: Actor, *, count_id: int) -> None:
    """Go on counting, after a pause or from review. Only a manager or an admin reopens a blind session in review."""
    _move(connection, actor, count_id, State.COUNTING)


def finish(connection: Connection, actor: Actor, *, count_id: int) -> None:
    """Finish counting: the session goes to review, where variances are decided and applied."""
    _move(connection, actor, count_id, State.REVIEW)


def cancel(connection: Connection, actor: Actor, *, count_id: int) -> None:
    """Cancel a session. No level changes, and its entries stay on record. Raises InvalidInput if it was applied."""
    _move(connection, actor, count_id, State.CANCELLED)


def _move(connection: Connection, actor: Actor, count_id: int, to: State) -> None:
    managers = array(roles_for(Permission.APPROVE_COUNT))
    ask(connection, actor, Permission.COUNT, "move_count", count_id=count_id, to=to.value, managers=managers)


def open_counts(connection: Connection, actor: Actor) -> tuple[OpenCount, ...]:
    """Return the sessions that take entries now, the latest first."""
    require(connection, actor, Permission.COUNT)
    statement = f"""select count_id, name, is_blind from stockroom_api.open_counts
                     order by count_id desc limit {LISTED}"""  # noqa: S608 - a number of ours
    return rows_of(OpenCount, call(connection, statement, {}))


def sessions(connection: Connection, actor: Actor, *, is_open: bool) -> tuple[Session, ...]:
    """Return the sessions that are open, or those that have ended; the latest first."""
    require(connection, actor, Permission.VIEW)
    statement = f"""select * from stockroom_api.count_sessions where (state = any (%(open)s)) = %(is_open)s
                     order by count_id desc limit {LISTED}"""  # noqa: S608 - a number of ours
    values = {"open": [state.value for state in OPEN], "is_open": is_open}
    return _sessions(call(connection, statement, values))


def session(connection: Connection, actor: Actor, *, count_id: int) -> Session | None:
    """Return one session, or None."""
    require(connection, actor, Permission.VIEW)
    statement = "select * from stockroom_api.count_sessions where count_id = %(id)s"
    found = _sessions(call(connection, statement, {"id": count_id}))
    return found[0] if found else None


def _sessions(rows: Sequence[tuple[object, ...]]) -> tuple[Session, ...]:
    return rows_of(Session, rows, scope=Scope, state=State)
