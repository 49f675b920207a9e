"""What the Stripe guard keeps in the database: when to look, what it knows, and what it did (71_levels/3_guard.sql)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.model import Actor
from core.storefront.guard.setting import Act, ActState, Found, Mode

Units = Mapping[str, int]
"""Units by the id of a variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a look is needed for: everything, or the variants that went out or changed."""

    mode: Mode
    is_full: bool | None
    out_ids: list[str] | None
    changed_ids: list[str] | None
    mark: str | None
    floor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an object. `over`: the entry of ours in its metadata that has no meaning any more.

    `is_old`: it was read an hour ago.
    """

    object_id: str
    kind: str
    items: Units
    over: str | None
    is_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The latest act about a link, and the entry by which we last deactivated it."""

    object_id: str
    mode: Mode
    act: Act
    state: ActState
    entry: str | None


def due(connection: Connection, _: Actor) -> Due:
    """Return what a look is needed for."""
    statement = """select mode, is_full, out_ids::text[], changed_ids::text[], mark, floor
                     from stockroom_api.guard_due()"""
    return rows_of(Due, call(connection, statement, {}), mode=Mode)[0]


def end_look(connection: Connection, _: Actor, *, due: Due, trouble: str | None = None) -> None:
    """Note that a look is over, or why it failed."""
    values = {"mark": due.mark, "floor": due.floor, "is_full": due.is_full, "trouble": trouble}
    call(connection, "select stockroom_api.end_guard_look(%(mark)s, %(floor)s, %(is_full)s, %(trouble)s)", values)


def objects(connection: Connection, _: Actor) -> tuple[Known, ...]:
    """Return what is known of links and sessions."""
    rows = call(connection, "select object_id, kind, items, over, is_old from stockroom_api.guard_objects", {})
    return rows_of(Known, rows)


def links(connection: Connection, _: Actor) -> tuple[Last, ...]:
    """Return the latest act about each link, in earnest and in a dry run."""
    rows = call(connection, "select object_id, mode, act, state, entry from stockroom_api.guard_links", {})
    return rows_of(Last, rows, mode=Mode, act=Act, state=ActState)


def unanswered(connection: Connection, _: Actor) -> list[tuple[int, str, str, str]]:
    """Return the acts without an answer: number, act, object and entry."""
    statement = (
        "select act_id, act, object_id, entry from stockroom_api.guard_acts where state = 'asked' order by act_id"
    )
    return [(act_id, act, object_id, entry) for act_id, act, object_id, entry in call(connection, statement, {})]


def keep(connection: Connection, _: Actor, *, kind: str, found: dict[str, Units]) -> None:
    """Keep what objects sell."""
    rows = [{"object_id": each, "kind": kind, "items": dict(units)} for each, units in found.items()]
    call(connection, "select stockroom_api.keep_guard_objects(%(rows)s::jsonb)", {"rows": json.dumps(rows)})


def pass_entry(connection: Connection, _: Actor, *, object_id: str, entry: str) -> None:
    """Note that the entry of ours in a link's metadata has no meaning any more."""
    statement = "select stockroom_api.pass_guard_entry(%(object_id)s, %(entry)s)"
    call(connection, statement, {"object_id": object_id, "entry": entry})


def begin_act(
    connection: Connection, _: Actor, *, mode: Mode, act: Act, object_id: str, found: Sequence[Found], asked: str
) -> tuple[Any, ...]:
    """Note an act before Stripe is asked: return its number, its entry, and whether the guard goes on."""
    statement = """select act_id, entry, goes_on
                     from stockroom_api.begin_guard_act(%(mode)s, %(act)s, %(id)s, %(found)s::jsonb, %(asked)s)"""
    facts = json.dumps([asdict(each) for each in found])
    values = {"mode": mode, "act": act, "id": object_id, "found": facts, "asked": asked}
    return call(connection, statement, values)[0]


def end_act(connection: Connection, _: Actor, *, act_id: int, state: ActState, answer: str) -> None:
    """Note what became of an act."""
    values = {"id": act_id, "state": state, "answer": answer}
    call(connection, "select stockroom_api.end_guard_act(%(id)s, %(state)s, %(answer)s)", values)
