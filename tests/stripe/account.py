"""A Stripe account in memory: payments, cancellations, refunds and disputes, each with its events.

It follows Stripe's rules: what Stripe would refuse raises `Denied` with Stripe's own message, so that code under test
cannot pass by mistake. `tests.stripe.fake` puts it behind the client library as its HTTP layer.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence

from stripe import WebhookSignature

from tests.stripe import objects
from tests.stripe.objects import CURRENT, PREFIXES, URLS, Json, shaped, thin_event

THIRTY_DAYS = 30 * 24 * 3600
BUYER: Json = {"email": "buyer@shop.example", "name": "Casey Buyer", "shipping": None}


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


def sign(body: bytes | str, secret: str, t: float | None = None) -> str:
    """Return the signature header that Stripe would send with this body."""
    text = body.decode() if isinstance(body, bytes) else body
    return str(WebhookSignature.generate_signature_header(text, secret, int(time.time() if t is None else t)))


class StripeAccount:
    """One account. `api_version` is the version of its events, `now` its clock in seconds."""

    def __init__(
        self,
        *,
        api_version: str = CURRENT,
        livemode: bool = False,
        now: int | None = None,
        webhook_secret: str = "whsec_the_shop_s",
        tell_refunds: bool = True,
    ) -> None:
        self.id = "acct_1TheShop"
        self.api_version = api_version
        self.livemode = livemode
        self.now = int(time.time()) if now is None else now
        self.webhook_secret = webhook_secret
        self.tell_refunds = tell_refunds
        """Whether there are refund.* events; older accounts have only charge.refunded."""
        self.lag = 0
        """After how many seconds an event can be read."""
        self.kept: dict[str, dict[str, Json]] = {kind: {} for kind in URLS}
        self.items: dict[str, list[Json]] = {}
        self._visible: dict[str, int] = {}
        self._count = 0
        self._delivered = 0

    # ------------------------------------------------------------ stored objects

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    def get(self, kind: str, object_id: str) -> Json:
        """Return an object as it is stored. Raises Denied where there is none."""
        found = self.kept[kind].get(object_id)
        if found is None or (kind == "event" and not self.is_visible(found)):
            raise missing(kind, object_id)
        return found

    def is_visible(self, event: Json) -> bool:
        """Return whether an event can be read already, and still."""
        return self._visible[event["id"]] <= self.now and event["created"] > self.now - THIRTY_DAYS

    def show(self, found: Json, version: str) -> Json:
        """Return an object as a version of the API shows it. An event never changes."""
        if found["object"] == "event":
            return found
        inside = self._belonging("charge", "payment_intent", found["id"])
        return shaped(found, version, inside, self._belonging("refund", "charge", found["id"]))

    def _belonging(self, kind: str, field: str, object_id: str) -> list[Json]:
        return [each for each in reversed(self.kept[kind].values()) if each[field] == object_id]

    def _keep(self, found: Json) -> Json:
        self._count += 1
        kind = found["object"]
        mode = ("live_" if self.livemode else "test_") if kind == "checkout.session" else ""
        found = {"id": f"{PREFIXES[kind]}_{mode}3Fake{self._count:012}", **found, "created": self.now}
        if kind != "refund":
            found["livemode"] = self.livemode
        if kind in self.kept:
            self.kept[kind][found["id"]] = found
        return found

    def _tell(self, kind: str, found: Json) -> None:
        event = self._keep(
            {
                "object": "event", "api_version": self.api_version, "type": kind, "pending_webhooks": 1,
                "data": {"object": self.show(found, self.api_version)},
                "request": {"id": None, "idempotency_key": None},
            }
        )  # fmt: skip
        self._visible[event["id"]] = self.now + self.lag

    # ------------------------------------------------------------ PaymentIntents

    def open_payment(
        self,
        amount: int = 5000,
        currency: str = "usd",
        metadata: dict[str, str] | None = None,
        buyer: Json | None = None,
    ) -> Json:
        """Create a PaymentIntent, by default of a new buyer."""
        intent = self._keep(objects.payment_intent(amount, currency, buyer or self._new_buyer(), metadata or {}))
        intent["client_secret"] = f"{intent['id']}_secret_{self._count:024}"
        self._tell("payment_intent.created", intent)
        return intent

    def pay(
        self,
        amount: int = 5000,
        currency: str = "usd",
        metadata: dict[str, str] | None = None,
        buyer: Json | None = None,
    ) -> Json:
        """Create a PaymentIntent and pay it."""
        return self.succeed(self.open_payment(amount, currency, metadata, buyer)["id"], buyer)

    def _new_buyer(self) -> Json:
        return BUYER | {"email": f"buyer{self._count + 1}@shop.example"}

    def succeed(self, payment_id: str, buyer: Json | None = None) -> Json:
        """Let a payment succeed. Its metadata is copied to its charge, once."""
        intent = self._unfinished(payment_id)
        made = self._charge(intent, buyer or BUYER | {"email": intent["receipt_email"]})
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": made["id"]}
        self._tell("charge.succeeded", made)
        self._tell("payment_intent.succeeded", intent)
        return intent

    def fail_try(self, payment_id: str) -> Json:
        """Decline the card. The buyer may try another."""
        intent = self._unfinished(payment_id)
        made = self._charge(intent, BUYER)
        made |= {"status": "failed", "paid": False, "captured": False, "failure_code": "card_declined"}
        made["amount_captured"] = 0
        intent |= {"status": "requires_payment_method", "latest_charge": made["id"]}
        self._tell("charge.failed", made)
        self._tell("payment_intent.payment_failed", intent)
        return intent

    def process(self, payment_id: str) -> Json:
        """Let a payment wait for the bank."""
        intent = self._unfinished(payment_id)
        intent["status"] = "processing"
        self._tell("payment_intent.processing", intent)
        return intent

    def authorise(self, payment_id: str) -> Json:
        """Authorise the money, so that it can be captured."""
        intent = self._unfinished(payment_id)
        made = self._charge(intent, BUYER)
        made |= {"captured": False, "amount_captured": 0}
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"], "latest_charge": made["id"]}
        self._tell("charge.succeeded", made)
        self._tell("payment_intent.amount_capturable_updated", intent)
        return intent

    def capture(self, payment_id: str, amount: int | None = None) -> Json:
        """Capture the authorised money. Capturing less refunds the rest automatically."""
        intent = self._unfinished(payment_id)
        made = self.get("charge", intent["latest_charge"])
        taken = intent["amount"] if amount is None else amount
        made |= {"captured": True, "amount_captured": taken}
        intent |= {"status": "succeeded", "amount_received": taken, "amount_capturable": 0}
        self._tell("charge.captured", made)
        self._tell("payment_intent.succeeded", intent)
        if taken < intent["amount"]:
            self.refund(charge=made["id"], amount=intent["amount"] - taken)
        return intent

    def cancel(self, payment_id: str, reason: str = "abandoned") -> Json:
        """Cancel an unfinished payment and release the authorised money."""
        intent = self._unfinished(payment_id)
        if intent["status"] == "requires_capture":
            made = self.get("charge", intent["latest_charge"])
            made |= {"refunded": True, "amount_refunded": made["amount"]}
            self._tell("charge.refunded", made)
        intent |= {"status": "canceled", "canceled_at": self.now, "cancellation_reason": reason, "amount_capturable": 0}
        self._tell("payment_intent.canceled", intent)
        return intent

    def _unfinished(self, payment_id: str) -> Json:
        intent = self.get("payment_intent", payment_id)
        if intent["status"] in ("succeeded", "canceled"):
            said = f"This PaymentIntent's status is {intent['status']}, so it cannot be changed."
            raise Denied(400, said, code="payment_intent_unexpected_state")
        return intent

    def _charge(self, intent: Json, buyer: Json) -> Json:
        return self._keep(objects.charge(intent["amount"], intent["currency"], buyer, intent["metadata"], intent["id"]))

    def charge(
        self,
        amount: int = 5000,
        currency: str = "usd",
        metadata: dict[str, str] | None = None,
        buyer: Json | None = None,
    ) -> Json:
        """Pay as until 2018: a charge without a PaymentIntent."""
        made = self._keep(objects.charge(amount, currency, buyer or self._new_buyer(), metadata or {}, None))
        self._tell("charge.succeeded", made)
        return made

    # ------------------------------------------------------------ Checkout

    def checkout(
        self,
        lines: Sequence[tuple[str, int, int]] = (("SKU-1", 2500, 2),),
        *,
        metadata: dict[str, str] | None = None,
        mode: str = "payment",
        reference: str | None = None,
        currency: str = "usd",
        shipping: int = 0,
        tax: int = 0,
        discount: int = 0,
        buyer: Json = BUYER,
    ) -> Json:
        """Create a session for lines of SKU, unit price and quantity. Its metadata is not copied to its payment."""
        made = self._keep(objects.session(mode, currency, buyer, metadata or {}, reference))
        self.items[made["id"]] = [self._item(*line, currency) for line in lines]
        subtotal = sum(price * quantity for _, price, quantity in lines)
        made |= {
            "amount_subtotal": subtotal, "amount_total": subtotal + shipping + tax - discount,
            "expires_at": self.now + 24 * 3600,
            "total_details": {"amount_discount": discount, "amount_shipping": shipping, "amount_tax": tax},
        }  # fmt: skip
        if self.api_version < "2022-08-01" and mode == "payment":
            made["payment_intent"] = self.open_payment(made["amount_total"], currency, buyer=buyer)["id"]
        return made

    def _item(self, sku: str, unit_price: int, quantity: int, currency: str) -> Json:
        goods = self._keep({"object": "product", "active": True, "metadata": {"sku": sku}, "name": f"Shoe {sku}"})
        price = self._keep({"object": "price", "currency": currency, "metadata": {}, "product": goods["id"],
                            "unit_amount": unit_price, "unit_amount_decimal": str(unit_price)})  # fmt: skip
        return self._keep(objects.item(price, goods["name"], quantity))

    def complete(self, session_id: str, *, delayed: bool = False, buyer: Json | None = None) -> Json:
        """Complete a session. With a `delayed` payment method (a bank debit) the money comes later, or not."""
        made, buyer = self.get("checkout.session", session_id), buyer or self._new_buyer()
        made |= {"status": "complete", "customer_details": {"email": buyer["email"], "name": buyer["name"]}}
        if made["amount_total"] == 0 or made["mode"] != "payment":
            made["payment_status"] = "no_payment_required" if made["mode"] == "payment" else "paid"
        else:
            made["payment_intent"] = made["payment_intent"] or self._intent_of(made, buyer)
            made["payment_status"] = "unpaid" if delayed else "paid"
            (self.process if delayed else self.succeed)(made["payment_intent"])
        self._tell("checkout.session.completed", made)
        return made

    def _intent_of(self, made: Json, buyer: Json) -> str:
        return str(self.open_payment(made["amount_total"], made["currency"], buyer=buyer)["id"])

    def settle(self, session_id: str, *, paid: bool = True) -> Json:
        """Let a delayed payment succeed or fail."""
        made = self.get("checkout.session", session_id)
        (self.succeed if paid else self.fail_try)(made["payment_intent"])
        made["payment_status"] = "paid" if paid else "unpaid"
        self._tell(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", made)
        return made

    def expire(self, session_id: str) -> Json:
        """Let a session expire."""
        made = self.get("checkout.session", session_id)
        made["status"] = "expired"
        self._tell("checkout.session.expired", made)
        return made

    # ------------------------------------------------------------ refunds and disputes

    def refund(
        self,
        *,
        charge: str | None = None,
        payment_intent: str | None = None,
        amount: int | None = None,
        reason: str | None = None,
        metadata: dict[str, str] | None = None,
        status: str = "succeeded",
    ) -> Json:
        """Refund a charge, in full or in part, by Stripe's rules."""
        paid = self._refundable(charge, payment_intent)
        left = paid["amount"] - paid["amount_refunded"]
        if left == 0:
            raise Denied(400, f"Charge {paid['id']} has already been refunded.", code="charge_already_refunded")
        asked = left if amount is None else amount
        if asked < 1:
            raise Denied(400, "Invalid positive integer", code="parameter_invalid_integer", param="amount")
        if asked > left:
            said = f"Refund amount (${asked / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})"
            raise Denied(400, said, param="amount")
        made = self._keep(objects.refund(paid, asked, reason, metadata or {}, status))
        paid["amount_refunded"] += asked
        paid["refunded"] = paid["amount_refunded"] == paid["amount"]
        self._tell("charge.refunded", paid)
        self._tell_refund("refund.created", made)
        return made

    def _refundable(self, charge: str | None, payment_intent: str | None) -> Json:
        if not charge and not payment_intent:
            said = "One of the following params should be provided for this request: payment_intent or charge."
            raise Denied(400, said)
        if charge:
            return self.get("charge", charge)
        paid = self.get("payment_intent", str(payment_intent))
        if paid["status"] != "succeeded":
            said = f"This PaymentIntent ({paid['id']}) does not have a successful charge to refund."
            raise Denied(400, said, code="payment_intent_unexpected_state", param="payment_intent")
        return self.get("charge", paid["latest_charge"])

    def settle_refund(self, refund_id: str) -> Json:
        """Let a pending refund succeed."""
        return self._update_refund(refund_id, {"status": "succeeded"}, "refund.updated")

    def fail_refund(self, refund_id: str, why: str = "expired_or_canceled_card") -> Json:
        """Let a refund fail at the bank, up to thirty days after it succeeded."""
        paid = self.get("charge", self.get("refund", refund_id)["charge"])
        paid["amount_refunded"] -= self.get("refund", refund_id)["amount"]
        paid["refunded"] = False
        return self._update_refund(refund_id, {"status": "failed", "failure_reason": why}, "refund.failed")

    def _update_refund(self, refund_id: str, change: Json, kind: str) -> Json:
        made = self.get("refund", refund_id)
        made |= change
        self._tell("charge.refund.updated", made)
        self._tell_refund(kind, made)
        return made

    def _tell_refund(self, kind: str, made: Json) -> None:
        if self.tell_refunds:
            self._tell(kind, made)

    def dispute(self, charge: str, reason: str = "fraudulent", amount: int | None = None) -> Json:
        """Open a dispute. An answer counts for a week."""
        paid = self.get("charge", charge)
        made = self._keep(objects.dispute(paid, reason))
        made["amount"] = paid["amount"] if amount is None else amount
        made["evidence_details"] = {"due_by": self.now + 7 * 24 * 3600, "has_evidence": False, "past_due": False}
        paid |= {"disputed": True, "dispute": made["id"]}
        self._tell("charge.dispute.created", made)
        self._tell("charge.dispute.funds_withdrawn", made)
        return made

    def close_dispute(self, dispute_id: str, *, won: bool) -> Json:
        """Close a dispute."""
        made = self.get("dispute", dispute_id)
        made["status"] = "won" if won else "lost"
        self._tell("charge.dispute.closed", made)
        return made

    # ------------------------------------------------------------ webhooks

    def deliveries(
        self, *, duplicate: float = 0, shuffle: bool = False, drop: float = 0, seed: int = 0, thin: bool = False
    ) -> Iterator[tuple[bytes, str]]:
        """Yield what the webhook receives for the events since the last call: body and signature header.

        `duplicate` and `drop` are shares of the events. Each delivery has its own signature.
        """
        chance = random.Random(seed)
        events = list(self.kept["event"].values())[self._delivered :]
        self._delivered += len(events)
        sent = [event for event in events if chance.random() >= drop]
        sent += [event for event in sent if chance.random() < duplicate]
        if shuffle:
            chance.shuffle(sent)
        written: Callable[[Json], Json] = thin_event if thin else dict
        for event in sent:
            body = json.dumps(written(event), indent=2).encode()
            yield body, sign(body, self.webhook_secret)
