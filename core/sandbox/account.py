"""A Stripe account: payments, sessions, refunds and disputes, each with its events.

It follows Stripe's rules: what Stripe would refuse raises `Denied` with Stripe's own message.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.sandbox import objects
from core.sandbox.books import whole
from core.sandbox.objects import Json
from core.sandbox.payments import BUYER, Payments


class StripeAccount(Payments):
    """One account, with Checkout Sessions besides its payments and refunds."""

    @whole
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
        made = self.keep(objects.session(mode, currency, buyer, metadata or {}, reference))
        self.store.keep_items(made["id"], [self._item(*line, currency) for line in lines])
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
        goods = self.keep({"object": "product", "active": True, "metadata": {"sku": sku}, "name": f"Shoe {sku}"})
        price = self.keep({"object": "price", "currency": currency, "metadata": {}, "product": goods["id"],
                            "unit_amount": unit_price, "unit_amount_decimal": str(unit_price)})  # fmt: skip
        return self.keep(objects.item(price, goods["name"], quantity))

    @whole
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
        self.tell("checkout.session.completed", made)
        return made

    def _intent_of(self, made: Json, buyer: Json) -> str:
        return str(self.open_payment(made["amount_total"], made["currency"], buyer=buyer)["id"])

    @whole
    def settle(self, session_id: str, *, paid: bool = True) -> Json:
        """Let a delayed payment succeed or fail."""
        made = self.get("checkout.session", session_id)
        (self.succeed if paid else self.fail_try)(made["payment_intent"])
        made["payment_status"] = "paid" if paid else "unpaid"
        self.tell(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", made)
        return made

    @whole
    def expire(self, session_id: str) -> Json:
        """Let a session expire."""
        made = self.get("checkout.session", session_id)
        made["status"] = "expired"
        self.tell("checkout.session.expired", made)
        return made
