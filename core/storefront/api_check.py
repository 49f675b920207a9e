"""`check-api`: the requests of a storefront to a running shop over HTTP, including a hold of one unit.

The hold is released even if a check fails. If the release fails too, the hold expires after a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import urllib3

from core.foundation.errors import StockError, Unavailable, invalid
from core.storefront.flow_check import Step

MARK = "check-api"
SECONDS = 5.0
_TTL = 60
_TRIES = 3
_NOT_THERE = (302, 303, 307, 401, 404)


class WrongAnswer(StockError):
    """The shop gave a wrong answer."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: dict[str, Any]

    def expect(self, *good: int) -> dict[str, Any]:
        """Return the body if the status is one of these."""
        if self.status not in good:
            why = self.body.get("detail") or "no reason is given"
            raise WrongAnswer(f"The answer is {self.status} instead of {good[0]}: {why}")
        return self.body


def check_api(url: str, *, key: str, sku: str) -> Iterator[Step]:
    """Send the requests in turn until an answer is wrong. Raises InvalidInput if `url` is not a URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid("address", "must begin with http:// or https:// and name a host")
    api = _Api(url.rstrip("/"), key, sku)
    for title, ask in (
        ("health", api.health),
        ("refused without a key", lambda: api.refused(None)),
        ("refused with a nonsense key", lambda: api.refused(f"stk_{uuid4().hex}")),
        ("enough is valid", api.enough),
        ("too much is not", api.too_much),
        ("one unit held, counted and released", api.hold),
        ("levels can be read", api.levels),
    ):
        step = _step(title, ask)
        yield step
        if not step.holds:
            return


def _step(title: str, ask: Callable[[], str]) -> Step:
    try:
        return Step(title=title, holds=True, said=ask())
    except StockError as error:
        return Step(title=title, holds=False, said=error.message)


class _Api:
    """The API of a shop, as a storefront uses it."""

    def __init__(self, url: str, key: str, sku: str) -> None:
        self.url, self.key, self.sku = url, key, sku
        self.pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=SECONDS), retries=False)

    def health(self) -> str:
        """Check that the process answers, and that it is ready if it has /readyz."""
        self.ask("GET", "/healthz", None).expect(200)
        ready = self.ask("GET", "/readyz", None)
        if ready.status in _NOT_THERE:
            return "/healthz answers"
        ready.expect(200)
        return "/healthz and /readyz answer"

    def refused(self, key: str | None) -> str:
        """Check that a request without a valid key is refused."""
        self.ask("POST", "/api/stock/validate", key, self.cart(1)).expect(401)
        return "401"

    def enough(self) -> str:
        """Check that one unit can be sold."""
        told = self.validate(1)
        if told["verified"] is not True:
            raise WrongAnswer("The shop cannot read its stock now and sells without checking it.")
        if told["valid"] is not True:
            raise WrongAnswer(f"{told['issues'][0]['message']} Name a SKU of which there is at least one.")
        return f"{told['items'][0]['availableStock']} available"

    def too_much(self) -> str:
        """Check that more than is available cannot be sold."""
        wanted = self.available() + 100_000
        told = self.validate(min(wanted, 1_000_000))
        if told["valid"] is not False or told["issues"][0]["code"] not in ("insufficient_stock", "out_of_stock"):
            raise WrongAnswer(f"A cart of {wanted:,} units is said to be valid.")
        return told["issues"][0]["message"]  # type: ignore[no-any-return]

    def hold(self) -> str:
        """Hold one unit, check that it counts, release it. Other buyers change the level too, so it is tried thrice."""
        seen: tuple[int, int, int] = (0, 0, 0)
        for _ in range(_TRIES):
            before = self.available()
            held = self.ask("POST", "/api/reservations", self.key, self.cart(1, reference=MARK, ttl_seconds=_TTL))
            number = held.expect(201)["id"]
            try:
                during = self.available()
            finally:
                state = self.ask("DELETE", f"/api/reservations/{number}", self.key).expect(200)["state"]
            if state != "released":
                raise WrongAnswer(f"The hold is {state} after its release.")
            seen = before, during, self.available()
            if seen == (before, before - 1, before):
                return f"available {before} -> {during} -> {before}"
        raise WrongAnswer(f"Available was {seen[0]}, with one held {seen[1]}, and after its release {seen[2]}.")

    def levels(self) -> str:
        """Check that /api/levels says what validating says; other buyers change it too, so it is tried thrice."""
        path = f"/api/levels?{urlencode({'sku': self.sku})}"
        before, left = 0, list[int]()
        for _ in range(_TRIES):
            before = self.available()
            told = self.ask("GET", path, self.key)
            if told.status == 403:
                return "not checked: the key lacks the scope read"
            left = [each["available"] for each in told.expect(200)["levels"]]
            if left == [before]:
                return f"{before} available"
        raise WrongAnswer(f"/api/levels says {left}, validating says {before}.")

    def available(self) -> int:
        """Return how many units can be sold now."""
        return int(self.validate(1)["items"][0]["availableStock"])

    def validate(self, quantity: int) -> dict[str, Any]:
        """Ask whether `quantity` units can be sold."""
        return self.ask("POST", "/api/stock/validate", self.key, self.cart(quantity)).expect(200)

    def cart(self, quantity: int, **more: Any) -> dict[str, Any]:
        """Return a cart of one line."""
        return {"items": [{"id": MARK, "sku": self.sku, "quantity": quantity}], **more}

    def ask(self, method: str, path: str, key: str | None, body: dict[str, Any] | None = None) -> _Answer:
        """Send one request. Raises Unavailable if there is no answer in time."""
        headers = {"User-Agent": MARK, "Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        content = json.dumps(body).encode() if body is not None else None
        try:
            told = self.pool.request(method, f"{self.url}{path}", body=content, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"No answer from {self.url} within {SECONDS:g} seconds.") from error
        try:
            found = told.json()
        except ValueError:
            found = {"detail": "it is not JSON; is this the address of a Stockroom?"}
        return _Answer(told.status, found if isinstance(found, dict) else {})
