"""Reads from Stripe's API: lists newest first, events oldest first.

Nothing here changes anything at Stripe, so every request may be repeated. `gateway` sends the requests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.foundation import errors
from core.foundation.errors import EventsGone, StripeRefused, Unavailable
from core.foundation.sales import Thin
from core.stripe.trouble import READS

PAGE = 100  # the most objects that Stripe lists at once
MOST_KINDS = 20  # the most kinds of events that one request may name
_LISTS = (
    ("rak_event_read", "/v1/events"),
    ("rak_payment_intent_read", "/v1/payment_intents"),
    ("rak_charge_read", "/v1/charges"),
    ("rak_charge_read", "/v1/refunds"),
    ("rak_checkout_session_read", "/v1/checkout/sessions"),
    ("rak_dispute_read", "/v1/disputes"),
    ("rak_product_read", "/v1/products"),
    ("rak_plan_read", "/v1/prices"),
    ("rak_invoice_read", "/v1/invoice_payments"),
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAccount:
    """The Stripe account of a key, as far as the key may read it, and the permissions that the key lacks."""

    id: str | None
    name: str | None
    livemode: bool
    missing: tuple[str, ...] = ()

    @property
    def missing_names(self) -> tuple[str, ...]:
        """The missing permissions, as Stripe's dashboard names them."""
        return tuple(READS.get(name, name) for name in self.missing)


class StripeReader(ABC):
    """A Stripe account as one key sees it."""

    livemode: bool

    @abstractmethod
    def get(self, path: str, **params: Any) -> Json:
        """Send one GET request, with retries. Raises Unavailable, StripeRefused."""

    # ------------------------------------------------------------ events

    def events(self, after: str | None, kinds: Sequence[str] = (), since: datetime | None = None) -> Iterator[Json]:
        """Yield every event after the one with this id, oldest first; without an id, all that Stripe still has.

        Raises EventsGone where Stripe no longer has that event: then import a range of payments and refunds instead.
        """
        if len(kinds) > MOST_KINDS:
            raise ValueError(f"Stripe takes at most {MOST_KINDS} kinds")
        chosen = {"types": list(kinds)} if kinds else {}
        chosen |= _between(since, None)
        if after is None:
            # Stripe lists the newest first: go to the oldest, and keep only that one.
            walked = deque(self._newest_first("/v1/events", **chosen), maxlen=1)
            if not walked:
                return
            yield walked[0]
            after = str(walked[0].get("id"))
        try:
            yield from self._oldest_first("/v1/events", after, **chosen)
        except StripeRefused as error:
            if not _is_missing(error):
                raise
            raise EventsGone(last_seen=after) from None

    def newest_event(self) -> Json | None:
        """Return the newest event: the place to begin when only later events matter."""
        return next(iter(self._page("/v1/events", limit=1)[0]), None)

    # ------------------------------------------------------------ ranges, newest first

    def payments(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """Yield the PaymentIntents created in a range of time, each with its latest charge."""
        return self._newest_first("/v1/payment_intents", expand=["data.latest_charge"], **_between(since, until))

    def sessions(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """Yield the Checkout Sessions created in a range of time."""
        return self._newest_first("/v1/checkout/sessions", **_between(since, until))

    def charges(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """Yield the charges created in a range of time. Until 2018 they were the only payments."""
        return self._newest_first("/v1/charges", **_between(since, until))

    def refunds(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """Yield the refunds created in a range of time, of any payment."""
        return self._newest_first("/v1/refunds", **_between(since, until))

    def disputes(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """Yield the disputes created in a range of time."""
        return self._newest_first("/v1/disputes", **_between(since, until))

    # ------------------------------------------------------------ one object, as it is now

    def payment(self, payment_id: str) -> Json | None:
        """Return a PaymentIntent with its latest charge, or None where Stripe does not have it."""
        return self._one("/v1/payment_intents", payment_id, expand=["latest_charge"])

    def charge(self, charge_id: str) -> Json | None:
        """Return a charge."""
        return self._one("/v1/charges", charge_id)

    def session(self, session_id: str) -> Json | None:
        """Return a Checkout Session."""
        return self._one("/v1/checkout/sessions", session_id)

    def refund(self, refund_id: str) -> Json | None:
        """Return a refund."""
        return self._one("/v1/refunds", refund_id)

    def dispute(self, dispute_id: str) -> Json | None:
        """Return a dispute."""
        return self._one("/v1/disputes", dispute_id)

    def fetch(self, thin: Thin) -> Json | None:
        """Return the object that a thin event names."""
        readers = {
            "payment_intent": self.payment,
            "charge": self.charge,
            "checkout.session": self.session,
            "refund": self.refund,
            "dispute": self.dispute,
        }
        return readers[thin.kind](thin.object_id)

    def session_of(self, payment_id: str) -> Json | None:
        """Return the Checkout Session in which a PaymentIntent was paid, if there is one."""
        return next(iter(self._all("/v1/checkout/sessions", payment_intent=checked(payment_id))), None)

    def line_items(self, session_id: str) -> list[Json]:
        """Return all line items of a Checkout Session, each with its price and product."""
        path = f"/v1/checkout/sessions/{checked(session_id)}/line_items"
        return list(self._newest_first(path, expand=["data.price.product"]))

    # ------------------------------------------------------------ what can still be bought

    def links(self) -> Iterator[Json]:
        """Yield the Payment Links that are active, newest first."""
        return self._newest_first("/v1/payment_links", active="true")

    def link(self, link_id: str) -> Json | None:
        """Return a Payment Link."""
        return self._one("/v1/payment_links", link_id)

    def link_items(self, link_id: str) -> list[Json]:
        """Return all line items of a Payment Link, each with its price and product."""
        path = f"/v1/payment_links/{checked(link_id)}/line_items"
        return list(self._newest_first(path, expand=["data.price.product"]))

    def open_sessions(self) -> Iterator[Json]:
        """Yield the Checkout Sessions that can still be paid, newest first."""
        return self._newest_first("/v1/checkout/sessions", status="open")

    def invoice_of(self, payment_id: str) -> str | None:
        """Return the invoice that a PaymentIntent pays, or None. Since 2025-03-31 a payment does not name it itself."""
        asked = {"type": "payment_intent", "payment_intent": checked(payment_id)}
        found = self._page("/v1/invoice_payments", limit=1, payment=asked)[0]
        return (_inside(found[0], "invoice") or _inside(found[0], "invoice", "id")) if found else None

    def refunds_of(self, paid_id: str) -> list[Json]:
        """Return all refunds of a PaymentIntent or a charge, newest first."""
        field = "payment_intent" if paid_id.startswith("pi_") else "charge"
        return self._all("/v1/refunds", **{field: checked(paid_id)})

    # ------------------------------------------------------------ the connection test

    def account(self) -> GatewayAccount:
        """Return the account, after trying to read everything that Stockroom needs. Raises StripeRefused, Unavailable.

        A restricted key with all permissions needed may still not read the account. Its id is then in the refusal.
        """
        try:
            found = self.get("/v1/account")
        except StripeRefused as error:
            if error.facts.get("status") != 403:
                raise
            found = {"id": error.facts.get("account")}
        name = _inside(found, "settings", "dashboard", "display_name") or _inside(found, "business_profile", "name")
        return GatewayAccount(id=found.get("id"), name=name, livemode=self.livemode, missing=self._missing())

    def _missing(self) -> tuple[str, ...]:
        missing: dict[str, None] = {}
        for permission, path in _LISTS:
            try:
                self._page(path, limit=1)
            except StripeRefused as error:
                if error.facts.get("status") != 403:
                    raise
                missing |= dict.fromkeys(error.missing or (permission,))
        return tuple(missing)

    # ------------------------------------------------------------ asking

    def _one(self, path: str, object_id: str, **params: Any) -> Json | None:
        try:
            return self.get(f"{path}/{checked(object_id)}", **params)
        except StripeRefused as error:
            if not _is_missing(error):
                raise
            return None

    def _all(self, path: str, **params: Any) -> list[Json]:
        """Return a whole list; an empty one where Stripe does not have the object it belongs to."""
        try:
            return list(self._newest_first(path, **params))
        except StripeRefused as error:
            if not _is_missing(error):
                raise
            return []

    def _newest_first(self, path: str, **params: Any) -> Iterator[Json]:
        more = True
        while more:
            found, more = self._page(path, **params)
            yield from found
            more = more and bool(found)
            if more:
                params["starting_after"] = found[-1].get("id")

    def _oldest_first(self, path: str, after: str, **params: Any) -> Iterator[Json]:
        more = True
        while more:
            found, more = self._page(path, **params, ending_before=after)
            yield from reversed(found)
            more = more and bool(found)
            if more:
                after = str(found[0].get("id"))

    def _page(self, path: str, **params: Any) -> tuple[list[Json], bool]:
        answer = self.get(path, **{"limit": PAGE, **params})
        found = answer.get("data")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise Unavailable("Stripe's answer is not the list that was requested; trying again is safe.")
        return found, answer.get("has_more") is True


def _between(since: datetime | None, until: datetime | None) -> Json:
    created = {"gte": since and int(since.timestamp()), "lt": until and int(until.timestamp())}
    chosen = {name: second for name, second in created.items() if second is not None}
    return {"created": chosen} if chosen else {}


def _is_missing(error: StripeRefused) -> bool:
    return error.facts.get("code") == "resource_missing"


def checked(object_id: str) -> str:
    """Return an id that is safe in a URL path. Raises InvalidInput for any other text."""
    if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", object_id):
        raise errors.invalid("id", "is not one of Stripe's")
    return object_id


def _inside(found: Json, *path: str) -> str | None:
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
