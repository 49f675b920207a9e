"""A Stripe without a network: the fake account behind the real client library, as its HTTP layer.

    account = StripeAccount()
    account.pay()
    gateway, fake = fake_gateway(account)    # the gateway of core; it records its waits and does not sleep

`core.sandbox.answers` answers. `fake.trouble(429, times=3)` makes the next answers errors.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar

import stripe

from core.sandbox.answers import Desk
from core.sandbox.requests import Asked
from core.stripe.gateway import Gateway
from core.stripe.trouble import Patience
from tests.stripe.account import StripeAccount

KEY = "rk_test_51TheKeyOfTheShop0123456789"


@dataclass
class FakeStripe(stripe.HTTPClient):
    """The HTTP layer: requests of the library go to the account, not over the network."""

    name: ClassVar[str] = "fake"
    account: StripeAccount
    key: str = KEY
    denied: set[str] = field(default_factory=set)
    """The permissions that the key lacks."""
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._troubles: deque[int | str] = deque()
        self._lock = Lock()
        self.desk = Desk(self.account, self.key, self.denied)
        self.lost = 0
        """For how many of the next payments Stripe's answer is lost."""

    def trouble(self, kind: int | str, times: int = 1) -> None:
        """Answer the next requests with this status, or with `timeout`, `certificate`, `garbage`, `lock_timeout`."""
        self._troubles.extend([kind] * times)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def deliveries(self) -> list[tuple[bytes, str]]:
        """Return what the webhook receives for the events since the last call. Safe while others pay."""
        with self._lock:
            return list(self.account.deliveries())

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request: return the text, the status and the headers."""
        asked = Asked.read(method, url, headers, post_data)
        self.asked.append(asked)
        if self._troubles:
            return in_trouble(self._troubles.popleft())
        with self._lock:
            self.desk.denied = self.denied
            answer = self.desk.answer(asked)
        if self.lost and asked.method == "post" and answer[1] == 200:
            self.lost -= 1
            return in_trouble("timeout")
        return answer


def in_trouble(kind: int | str) -> tuple[str, int, Mapping[str, str]]:
    """Return an error answer, or raise the library's error for no answer."""
    match kind:
        case "timeout" | "certificate":
            silence: Any = stripe.APIConnectionError  # the library gives it no types
            raise silence("Unexpected error communicating with Stripe.", should_retry=kind == "timeout")
        case "garbage":
            return "<html>a proxy's own page</html>", 200, {}
        case "lock_timeout":
            error = {"code": "lock_timeout", "type": "invalid_request_error", "message": "This object is locked."}
            return json.dumps({"error": error}), 429, {"stripe-should-retry": "true"}
        case 429:
            error = {"code": "rate_limit", "type": "invalid_request_error", "message": "Request rate limit exceeded."}
            return json.dumps({"error": error}), 429, {}
        case int():
            return json.dumps({"error": {"type": "api_error", "message": "Something went wrong."}}), kind, {}
    raise ValueError(f"there is no trouble called {kind}")


def fake_gateway(
    account: StripeAccount, *, key: str = KEY, waits: list[float] | None = None, attempts: int = 5
) -> tuple[Gateway, FakeStripe]:
    """Return a gateway to a fake account, and the fake. The seconds of its waits are added to `waits`."""
    fake = FakeStripe(account)
    written = [] if waits is None else waits
    return Gateway(key, http_client=fake, patience=Patience(attempts=attempts), sleep=written.append), fake
