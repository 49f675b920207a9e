"""PaymentIntents and charges of an account, by Stripe's rules."""

from __future__ import annotations

from core.sandbox import objects
from core.sandbox.books import Denied, whole
from core.sandbox.objects import Json
from core.sandbox.refunds import Refunds

BUYER: Json = {"email": "buyer@shop.example", "name": "Casey Buyer", "shipping": None}


class Payments(Refunds):
    """Payments from the first try to the captured money."""

    @whole
    def open_payment(
        self,
        amount: int = 5000,
        currency: str = "usd",
        metadata: dict[str, str] | None = None,
        buyer: Json | None = None,
    ) -> Json:
        """Create a PaymentIntent, by default of a new buyer."""
        intent = self.keep(objects.payment_intent(amount, currency, buyer or self._new_buyer(), metadata or {}))
        intent["client_secret"] = f"{intent['id']}_secret_{self.store.count:024}"
        self.tell("payment_intent.created", intent)
        return intent

    @whole
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
        return BUYER | {"email": f"buyer{self.store.count + 1}@shop.example"}

    @whole
    def succeed(self, payment_id: str, buyer: Json | None = None) -> Json:
        """Let a payment succeed. Its metadata is copied to its charge, once."""
        intent = self.unfinished(payment_id)
        made = self._charge(intent, buyer or BUYER | {"email": intent["receipt_email"]})
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": made["id"]}
        self.tell("charge.succeeded", made)
        self.tell("payment_intent.succeeded", intent)
        return intent

    @whole
    def fail_try(self, payment_id: str) -> Json:
        """Decline the card. The buyer may try another."""
        intent = self.unfinished(payment_id)
        made = self._charge(intent, BUYER)
        made |= {"status": "failed", "paid": False, "captured": False, "failure_code": "card_declined"}
        made["amount_captured"] = 0
        intent |= {"status": "requires_payment_method", "latest_charge": made["id"]}
        self.tell("charge.failed", made)
        self.tell("payment_intent.payment_failed", intent)
        return intent

    @whole
    def process(self, payment_id: str) -> Json:
        """Let a payment wait for the bank."""
        intent = self.unfinished(payment_id)
        intent["status"] = "processing"
        self.tell("payment_intent.processing", intent)
        return intent

    @whole
    def authorise(self, payment_id: str) -> Json:
        """Authorise the money, so that it can be captured."""
        intent = self.unfinished(payment_id)
        made = self._charge(intent, BUYER)
        made |= {"captured": False, "amount_captured": 0}
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"], "latest_charge": made["id"]}
        self.tell("charge.succeeded", made)
        self.tell("payment_intent.amount_capturable_updated", intent)
        return intent

    @whole
    def capture(self, payment_id: str, amount: int | None = None) -> Json:
        """Capture the authorised money. Capturing less refunds the rest automatically."""
        intent = self.unfinished(payment_id)
        made = self.get("charge", intent["latest_charge"])
        taken = intent["amount"] if amount is None else amount
        made |= {"captured": True, "amount_captured": taken}
        intent |= {"status": "succeeded", "amount_received": taken, "amount_capturable": 0}
        self.tell("charge.captured", made)
        self.tell("payment_intent.succeeded", intent)
        if taken < intent["amount"]:
            self.refund(charge=made["id"], amount=intent["amount"] - taken)
        return intent

    @whole
    def cancel(self, payment_id: str, reason: str = "abandoned") -> Json:
        """Cancel an unfinished payment and release the authorised money."""
        intent = self.unfinished(payment_id)
        if intent["status"] == "requires_capture":
            made = self.get("charge", intent["latest_charge"])
            made |= {"refunded": True, "amount_refunded": made["amount"]}
            self.tell("charge.refunded", made)
        intent |= {"status": "canceled", "canceled_at": self.now, "cancellation_reason": reason, "amount_capturable": 0}
        self.tell("payment_intent.canceled", intent)
        return intent

    def unfinished(self, payment_id: str) -> Json:
        """Return a PaymentIntent that can still be changed. Raises Denied for any other."""
        intent = self.get("payment_intent", payment_id)
        if intent["status"] in ("succeeded", "canceled"):
            said = f"This PaymentIntent's status is {intent['status']}, so it cannot be changed."
            raise Denied(400, said, code="payment_intent_unexpected_state")
        return intent

    def _charge(self, intent: Json, buyer: Json) -> Json:
        return self.keep(objects.charge(intent["amount"], intent["currency"], buyer, intent["metadata"], intent["id"]))

    @whole
    def charge(
        self,
        amount: int = 5000,
        currency: str = "usd",
        metadata: dict[str, str] | None = None,
        buyer: Json | None = None,
    ) -> Json:
        """Pay as until 2018: a charge without a PaymentIntent."""
        made = self.keep(objects.charge(amount, currency, buyer or self._new_buyer(), metadata or {}, None))
        self.tell("charge.succeeded", made)
        return made
