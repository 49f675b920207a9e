"""What can be asked of Stripe, and in which order the answers come: lists newest first, events oldest first.

Only questions: nothing here changes anything at Stripe, so each may be asked again. How a question is put is the
gateway's business.
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

PAGE = 100  # the most that Stripe lists at once
MOST_KINDS = 20  # and the most kinds of events it takes in one question
_LISTS = (
    ("rak_event_read", "/v1/events"),
    ("rak_payment_intent_read", "/v1/payment_intents"),
    ("rak_charge_read", "/v1/charges"),
    ("rak_charge_read", "/v1/refunds"),
    ("rak_checkout_session_read", "/v1/checkout/sessions"),
    ("rak_dispute_read", "/v1/disputes"),
    ("rak_product_read", "/v1/products"),
    ("rak_plan_read", "/v1/prices"),
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAccount:
    """Whose Stripe account it is, where the key may know that, and what the key may not read yet."""

    id: str | None
    name: str | None
    livemode: bool
    missing: tuple[str, ...] = ()

    @property
    def missing_names(self) -> tuple[str, ...]:
        """What Stripe's dashboard calls the missing permissions."""
        return tuple(READS.get(name, name) for name in self.missing)


class StripeReader(ABC):
    """Stripe's account as one key sees it."""

    livemode: bool

    @abstractmethod
    def get(self, path: str, **params: Any) -> Json:
        """Ask one question, patiently. Raises Unavailable, StripeRefused."""

    # ------------------------------------------------------------ events

    def events(self, after: str | None, kinds: Sequence[str] = (), since: datetime | None = None) -> Iterator[Json]:
        """Every event after the one with this id, oldest first; without one, all that Stripe still keeps.

        Raises EventsGone where Stripe no longer knows that event: then only a range of payments and refunds helps.
        """
        if len(kinds) > MOST_KINDS:
            raise ValueError(f"Stripe takes at most {MOST_KINDS} kinds")
        chosen = {"types": list(kinds)} if kinds else {}
        chosen |= _between(since, None)
        if after is None:
            # No list begins at its oldest: walk there first, keeping nothing.
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
        """The newest event of all: where to begin when only what comes from now on matters."""
        return next(iter(self._page("/v1/events", limit=1)[0]), None)

    # ------------------------------------------------------------ ranges, newest first

    def payments(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """The PaymentIntents begun in a range of time, each with its latest charge."""
        return self._newest_first("/v1/payment_intents", expand=["data.latest_charge"], **_between(since, until))

    def sessions(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """The Checkout Sessions opened in a range of time."""
        return self._newest_first("/v1/checkout/sessions", **_between(since, until))

    def charges(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """The charges made in a range of time; until 2018 they were the only payments."""
        return self._newest_first("/v1/charges", **_between(since, until))

    def refunds(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """The refunds made in a range of time, of whatever payment."""
        return self._newest_first("/v1/refunds", **_between(since, until))

    def disputes(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Json]:
        """The disputes opened in a range of time."""
        return self._newest_first("/v1/disputes", **_between(since, until))

    # ------------------------------------------------------------ one object, as it is now

    def payment(self, payment_id: str) -> Json | None:
        """A PaymentIntent with its latest charge; none where Stripe has no such."""
        return self._one("/v1/payment_intents", payment_id, expand=["latest_charge"])

    def charge(self, charge_id: str) -> Json | None:
        """A charge."""
        return self._one("/v1/charges", charge_id)

    def session(self, session_id: str) -> Json | None:
        """A Checkout Session."""
        return self._one("/v1/checkout/sessions", session_id)

    def refund(self, refund_id: str) -> Json | None:
        """A refund."""
        return self._one("/v1/refunds", refund_id)

    def dispute(self, dispute_id: str) -> Json | None:
        """A dispute."""
        return self._one("/v1/disputes", dispute_id)

    def fetch(self, thin: Thin) -> Json | None:
        """The object that a thin event names."""
        doors = {
            "payment_intent": self.payment,
            "charge": self.charge,
            "checkout.session": self.session,
            "refund": self.refund,
            "dispute": self.dispute,
        }
        return doors[thin.kind](thin.object_id)

    def session_of(self, payment_id: str) -> Json | None:
        """The Checkout Session that a PaymentIntent was paid in, if it was."""
        return next(iter(self._all("/v1/checkout/sessions", payment_intent=_checked(payment_id))), None)

    def line_items(self, session_id: str) -> list[Json]:
        """All line items of a Checkout Session, each with its price and its product."""
        path = f"/v1/checkout/sessions/{_checked(session_id)}/line_items"
        return list(self._newest_first(path, expand=["data.price.product"]))

    def refunds_of(self, paid_id: str) -> list[Json]:
        """All refunds of a PaymentIntent or of a charge, newest first."""
        field = "payment_intent" if paid_id.startswith("pi_") else "charge"
        return self._all("/v1/refunds", **{field: _checked(paid_id)})

    # ------------------------------------------------------------ the connection test

    def account(self) -> GatewayAccount:
        """Try everything that the key must be allowed to read. Raises StripeRefused for a key nobody knows at Stripe.

        A restricted key that may do all we need may still not read the account: its id is in the refusal then.
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
            return self.get(f"{path}/{_checked(object_id)}", **params)
        except StripeRefused as error:
            if not _is_missing(error):
                raise
            return None

    def _all(self, path: str, **params: Any) -> list[Json]:
        """A whole list; an empty one where Stripe does not know what it should belong to."""
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
            raise Unavailable("Stripe's answer is not the list that was asked for; trying again is safe.")
        return found, answer.get("has_more") is True


def _between(since: datetime | None, until: datetime | None) -> Json:
    created = {"gte": since and int(since.timestamp()), "lt": until and int(until.timestamp())}
    chosen = {name: second for name, second in created.items() if second is not None}
    return {"created": chosen} if chosen else {}


def _is_missing(error: StripeRefused) -> bool:
    return error.facts.get("code") == "resource_missing"


def _checked(object_id: str) -> str:
    """An id as part of an address: nothing in it may lead elsewhere."""
    if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", object_id):
        raise errors.invalid("id", "is not one of Stripe's")
    return object_id


def _inside(found: Json, *path: str) -> str | None:
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
