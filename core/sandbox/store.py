"""Where a Stripe account has its objects: what it asks of a store, and the store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from core.sandbox.objects import URLS, Json


class Store(Protocol):
    """The objects of one account.

    An object that `find` or `newest_first` returns inside `change` is stored again at its end if it was changed.
    """

    count: int
    """How many objects were made. The next id follows from it."""

    def change(self) -> AbstractContextManager[None]:
        """One change: stored whole at its end or not at all, after any other. Inside another it is part of that."""
        ...

    def keep(self, found: Json) -> None:
        """Store a new object."""
        ...

    def find(self, kind: str, object_id: str) -> Json | None:
        """Return an object, or None."""
        ...

    def newest_first(self, kind: str, **same: str) -> Iterator[Json]:
        """Yield the objects of a kind whose fields have these values, newest first."""
        ...

    def keep_items(self, session_id: str, items: list[Json]) -> None:
        """Store the lines of a Checkout Session."""
        ...

    def items_of(self, session_id: str) -> list[Json]:
        """Return the lines of a Checkout Session."""
        ...

    def take_undelivered(self) -> list[Json]:
        """Return the events since the last call, oldest first."""
        ...


class Memory:
    """A store for one process."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: dict[str, dict[str, Json]] = {kind: {} for kind in URLS}
        self.items: dict[str, list[Json]] = {}
        self.delivered = 0

    def change(self) -> AbstractContextManager[None]:
        """Do nothing: the objects are changed in place."""
        return nullcontext()

    def keep(self, found: Json) -> None:
        """Store a new object, if its kind can be asked for."""
        if found["object"] in self.kept:
            self.kept[found["object"]][found["id"]] = found

    def find(self, kind: str, object_id: str) -> Json | None:
        """Return an object, or None."""
        return self.kept[kind].get(object_id)

    def newest_first(self, kind: str, **same: str) -> Iterator[Json]:
        """Yield the objects of a kind whose fields have these values, newest first."""
        for each in reversed(self.kept[kind].values()):
            if all(each[name] == value for name, value in same.items()):
                yield each

    def keep_items(self, session_id: str, items: list[Json]) -> None:
        """Store the lines of a Checkout Session."""
        self.items[session_id] = items

    def items_of(self, session_id: str) -> list[Json]:
        """Return the lines of a Checkout Session."""
        return self.items[session_id]

    def take_undelivered(self) -> list[Json]:
        """Return the events since the last call, oldest first."""
        events = list(self.kept["event"].values())[self.delivered :]
        self.delivered += len(events)
        return events
