"""The books of a Stripe account: its clock, its objects, and the events that tell about them."""

from __future__ import annotations

import functools
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Concatenate, ParamSpec, TypeVar

from core.sandbox.objects import CURRENT, PREFIXES, Json, shaped, thin_event
from core.sandbox.store import Memory, Store
from core.stripe.gateway import sign

THIRTY_DAYS = 30 * 24 * 3600
_P = ParamSpec("_P")
_R = TypeVar("_R")
_B = TypeVar("_B", bound="Books")


class Denied(Exception):
    """An error answer of Stripe: a status and the content of `error`."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        error = {"code": code, "message": message, "param": param, "type": "invalid_request_error"}
        self.body = {"error": {name: value for name, value in error.items() if value is not None}}


def missing(kind: str, object_id: str, status: int = 404, param: str = "id") -> Denied:
    """Return Stripe's error for an object that it does not have."""
    said = f"No such {kind.rpartition('.')[2]}: '{object_id}'"
    return Denied(status, said, code="resource_missing", param=param)


def whole(operation: Callable[Concatenate[_B, _P], _R]) -> Callable[Concatenate[_B, _P], _R]:
    """Return an operation that stores all its changes or none, while other changes of the account wait."""

    @functools.wraps(operation)
    def stored(books: _B, /, *args: _P.args, **values: _P.kwargs) -> _R:
        with books.store.change():
            return operation(books, *args, **values)

    return stored


class Books:
    """One account. `api_version` is the version of its events, `now` its clock in seconds."""

    def __init__(
        self,
        *,
        store: Store | None = None,
        api_version: str = CURRENT,
        livemode: bool = False,
        now: int | None = None,
        webhook_secret: str = "",
        tell_refunds: bool = True,
    ) -> None:
        self.id, self.name = "acct_1TheShop", "The Shop"
        self.store: Store = Memory() if store is None else store
        self.api_version = api_version
        self.livemode = livemode
        self.now = int(time.time()) if now is None else now
        self.webhook_secret = webhook_secret
        self.tell_refunds = tell_refunds
        """Whether there are refund.* events; older accounts have only charge.refunded."""
        self.lag = 0
        """After how many seconds an event can be read."""
        self._late: dict[str, int] = {}

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    def get(self, kind: str, object_id: str) -> Json:
        """Return an object as it is stored. Raises Denied where there is none."""
        found = self.store.find(kind, object_id)
        if found is None or (kind == "event" and not self.is_visible(found)):
            raise missing(kind, object_id)
        return found

    def is_visible(self, event: Json) -> bool:
        """Return whether an event can be read already, and still."""
        made: int = event["created"]
        return made + self._late.get(event["id"], 0) <= self.now < made + THIRTY_DAYS

    def show(self, found: Json, version: str) -> Json:
        """Return an object as a version of the API shows it. An event never changes."""
        if found["object"] == "event":
            return found
        inside = self.store.each("charge", payment_intent=found["id"])
        return shaped(found, version, inside, self.store.each("refund", charge=found["id"]))

    @whole
    def keep(self, found: Json) -> Json:
        """Give a new object its id and time, and store it."""
        self.store.count += 1
        kind = found["object"]
        mode = ("live_" if self.livemode else "test_") if kind == "checkout.session" else ""
        found = {"id": f"{PREFIXES[kind]}_{mode}3Sandbox{self.store.count:012}", **found, "created": self.now}
        if kind != "refund":
            found["livemode"] = self.livemode
        self.store.keep(found)
        return found

    @whole
    def tell(self, kind: str, found: Json) -> None:
        """Make an event about an object as it is now."""
        event = self.keep(
            {
                "object": "event", "api_version": self.api_version, "type": kind, "pending_webhooks": 1,
                "data": {"object": self.show(found, self.api_version)},
                "request": {"id": None, "idempotency_key": None},
            }
        )  # fmt: skip
        if self.lag:
            self._late[event["id"]] = self.lag

    def deliveries(
        self, *, duplicate: float = 0, shuffle: bool = False, drop: float = 0, seed: int = 0, thin: bool = False
    ) -> Iterator[tuple[bytes, str]]:
        """Yield what the webhook receives for the events since the last call: body and signature header.

        `duplicate` and `drop` are shares of the events. Each delivery has its own signature.
        """
        chance = random.Random(seed)  # noqa: S311 - chance, not a secret
        events = self.store.take_undelivered()
        sent = [event for event in events if chance.random() >= drop]
        sent += [event for event in sent if chance.random() < duplicate]
        if shuffle:
            chance.shuffle(sent)
        written: Callable[[Json], Json] = thin_event if thin else dict
        for event in sent:
            body = json.dumps(written(event), indent=2).encode()
            yield body, sign(body, self.webhook_secret)
