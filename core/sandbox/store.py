"""Where a Stripe account has its objects: what it asks of a store, and the store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from core.sandbox.objects import URLS, Json


class Store(Protocol):
    """The objects of one account.

    An object that `find` or `each` returns inside `change` is stored again at the end if it was changed.
    """

    count: int
    """How many objects were made. The next id follows from it; it is current inside `change`."""

    def change(self) -> AbstractContextManager[None]:
        """One change: stored whole at its end or not at all, after any other. Inside another it is part of that."""
        ...

    def keep(self, found: Json) -> None:
        """Store a new object, inside `change`."""
        ...

    def find(self, kind: str, object_id: str) -> Json | None:
        """Return an object, or None."""
        ...

    def each(
        self,
        kind: str,
        *,
        after: str | None = None,
        newest_first: bool = True,
        created: tuple[int | None, int | None] = (None, None),
        **same: str,
    ) -> Iterator[Json]:
        """Yield the objects of a kind in their order, from one on, which must exist.

        `created` are bounds that the caller checks as well. `same` are a payment or a charge to which they belong.
        """
        ...

    def keep_items(self, session_id: str, items: list[Json]) -> None:
        """Store the lines of a Checkout Session, inside `change`."""
        ...

    def items_of(self, session_id: str) -> list[Json]:
        """Return the lines of a Checkout Session."""
        ...

    def take_undelivered(self) -> list[Json]:
        """Return the events since the last call, oldest first."""
        ...

    def answer(self, key: str) -> tuple[Json, str] | None:
        """Return the parameters of the first request with this idempotency key, and its answer."""
        ...

    def keep_answer(self, key: str, params: Json, answer: str) -> None:
        """Store the answer to a request with an idempotency key, inside `change`."""
        ...


class Memory:
    """A store for one process."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: dict[str, dict[str, Json]] = {kind: {} for kind in URLS}
        self.items: dict[str, list[Json]] = {}
        self.delivered = 0
        self._answers: dict[str, tuple[Json, str]] = {}

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
        everything = list(self.kept[kind].values())
        for each in further(everything[::-1], after, forward=newest_first):
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

    def answer(self, key: str) -> tuple[Json, str] | None:
        """Return the parameters of the first request with this idempotency key, and its answer."""
        return self._answers.get(key)

    def keep_answer(self, key: str, params: Json, answer: str) -> None:
        """Store the answer to a request with an idempotency key."""
        self._answers[key] = (params, answer)


def further(listed: list[Json], after: str | None, *, forward: bool) -> list[Json]:
    """Return the objects of a list that follow one of them, forward or backward; without one all of them."""
    if after is None:
        return listed if forward else listed[::-1]
    place = next(n for n, each in enumerate(listed) if each["id"] == after)
    return listed[place + 1 :] if forward else listed[:place][::-1]
