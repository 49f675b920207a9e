"""The store of the sample shop's account in its database, which all processes of the shop share.

Its functions are in core/sql/35_sandbox. They refuse in every shop but the sample shop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.database.engine import call, run, translate
from core.foundation.model import COMMAND_LINE, Actor
from core.sandbox.objects import URLS, Json

PAGE = 200
MOST_EVENTS = 1_000


@dataclass(slots=True)
class _Row:
    """An object inside a change. `saved` is its text in the database, None while it is not there."""

    number: int
    body: Json
    saved: str | None
    is_lost: bool = False


@dataclass(slots=True)
class _Change:
    """A change in progress: its transaction, the objects it has seen and made, and the lines of new sessions."""

    connection: Connection
    rows: dict[str, _Row] = field(default_factory=dict)
    items: dict[str, list[Json]] = field(default_factory=dict)


class Stored:
    """A store for one thread at a time. `lose_events`: the webhook does not receive the events of its changes."""

    def __init__(self, engine: Engine, *, lose_events: bool = False) -> None:
        self.count = 0
        self.lose_events = lose_events
        self._engine = engine
        self._change: _Change | None = None

    @contextmanager
    def change(self) -> Iterator[None]:
        """One change in one transaction. The account is locked until its end. Raises InvalidInput, Unavailable."""
        if self._change is not None:
            yield
            return
        try:
            with self._engine.begin() as connection:
                (self.count,) = call(connection, "select stockroom_api.begin_sandbox_change()", {})[0]
                self._change = _Change(connection)
                yield
                self._save()
        except (DBAPIError, PoolTimeout) as error:
            raise translate(error) from error
        finally:
            self._change = None

    @contextmanager
    def within(self, connection: Connection) -> Iterator[None]:
        """One change as a part of the caller's transaction. The account is locked until that ends."""
        (self.count,) = call(connection, "select stockroom_api.begin_sandbox_change()", {})[0]
        self._change = _Change(connection)
        try:
            yield
            self._save()
        finally:
            self._change = None

    def keep(self, found: Json) -> None:
        """Store a new object, if its kind can be asked for."""
        if found["object"] in URLS:
            self._open.rows[found["id"]] = _Row(self.count, found, None, self.lose_events)

    def find(self, kind: str, object_id: str) -> Json | None:
        """Return an object, or None."""
        if self._change and (known := self._change.rows.get(object_id)):
            return known.body if known.body["object"] == kind else None
        found = self._ask("select number, body from stockroom_api.sandbox_object(%(kind)s, %(id)s)",
                          kind=kind, id=object_id)  # fmt: skip
        return self._known(*found[0]) if found else None

    def each(
        self,
        kind: str,
        *,
        after: str | None = None,
        newest_first: bool = True,
        created: tuple[int | None, int | None] = (None, None),
        **same: str,
    ) -> Iterator[Json]:
        """Yield the objects of a kind in their order, from one on."""
        if self._change:
            self._save()
        statement = (
            "select number, body from stockroom_api.sandbox_objects(%(kind)s, %(place)s, %(newest_first)s, %(since)s, "
            "%(until)s, %(payment)s, %(charge)s, %(most)s)"
        )
        values = {
            "kind": kind, "place": self._place(kind, after) if after else None, "newest_first": newest_first,
            "since": created[0], "until": created[1], "payment": same.get("payment_intent"),
            "charge": same.get("charge"), "most": PAGE,
        }  # fmt: skip
        while found := self._ask(statement, **values):
            for number, body in found:
                yield self._known(number, body)
            if len(found) < PAGE:
                return
            values["place"] = found[-1][0]

    def keep_items(self, session_id: str, items: list[Json]) -> None:
        """Store the lines of a Checkout Session."""
        self._open.items[session_id] = items

    def items_of(self, session_id: str) -> list[Json]:
        """Return the lines of a Checkout Session."""
        if self._change and session_id in self._change.items:
            return self._change.items[session_id]
        kind = "payment_link" if session_id.startswith("plink_") else "checkout.session"
        found = self._ask("select items from stockroom_api.sandbox_object(%(kind)s, %(id)s)", kind=kind, id=session_id)
        return found[0][0] or [] if found else []

    def take_undelivered(self) -> list[Json]:
        """Return events that the webhook has not received yet, oldest first, and mark them as received."""
        found = self._ask("select stockroom_api.take_sandbox_events(%(most)s)", most=MOST_EVENTS)
        return [body for (body,) in found]

    def answer(self, key: str) -> tuple[Json, str] | None:
        """Return the parameters of the first request with this idempotency key, and its answer."""
        found = self._ask("select params, answer from stockroom_api.sandbox_answer(%(key)s)", key=key)
        return (found[0][0], found[0][1]) if found else None

    def keep_answer(self, key: str, params: Json, answer: str) -> None:
        """Store the answer to a request with an idempotency key."""
        statement = "select stockroom_api.save_sandbox_answer(%(key)s, %(params)s::json, %(answer)s)"
        call(self._open.connection, statement, {"key": key, "params": json.dumps(params), "answer": answer})

    @property
    def _open(self) -> _Change:
        if self._change is None:
            raise RuntimeError("objects are stored inside a change only")
        return self._change

    def _place(self, kind: str, object_id: str) -> int:
        if self._change and object_id in self._change.rows:
            return self._change.rows[object_id].number
        found = self._ask("select number from stockroom_api.sandbox_object(%(kind)s, %(id)s)", kind=kind, id=object_id)
        return int(found[0][0])

    def _known(self, number: int, body: Json) -> Json:
        """Return an object from the database; inside a change always the same one, which may have been changed."""
        if self._change is None:
            return body
        row = self._change.rows.setdefault(body["id"], _Row(number, body, json.dumps(body)))
        return row.body

    def _save(self) -> None:
        """Store what is new or was changed. Events never change, so they are forgotten afterwards."""
        change, changed = self._open, []
        for name, row in list(change.rows.items()):
            text = json.dumps(row.body)
            if text != row.saved:
                items = json.dumps(change.items[name]) if name in change.items else "null"
                lost = json.dumps(row.is_lost)
                changed.append(f'{{"number": {row.number}, "items": {items}, "lost": {lost}, "body": {text}}}')
                row.saved = text
            if row.body["object"] == "event":
                del change.rows[name]
        values = {"made": self.count, "objects": f"[{','.join(changed)}]"}
        call(change.connection, "select stockroom_api.save_sandbox(%(made)s, %(objects)s::json)", values)

    def _ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        if self._change is not None:
            return call(self._change.connection, statement, values)
        return run(self._engine, _asked, COMMAND_LINE, statement=statement, values=values)


def _asked(connection: Connection, _: Actor, *, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return call(connection, statement, values)
