"""A Stripe account: payments, sessions, refunds and disputes, each with its events.

It follows Stripe's rules: what Stripe would refuse raises `Denied` with Stripe's own message.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.sandbox import objects
from core.sandbox.books import Denied, whole
from core.sandbox.objects import Json
from core.sandbox.payments import BUYER, Payments


class StripeAccount(Payments):
    """One account, with Checkout Sessions and Payment Links besides its payments and refunds."""

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

    @whole
    def link(
        self,
        lines: Sequence[tuple[str, int, int]] = (("SKU-1", 2500, 1),),
        *,
        adjustable: tuple[int, int] | None = None,
        metadata: dict[str, str] | None = None,
        currency: str = "usd",
    ) -> Json:
        """Create a Payment Link for lines of SKU, unit price and quantity; `adjustable` are a buyer's bounds for it."""
        made = self.keep(objects.link(currency, metadata or {}))
        made["url"] = f"https://buy.stripe.example/{made['id'].removeprefix('plink_')}"
        self.store.keep_items(made["id"], [self._item(*line, currency, adjustable) for line in lines])
        self.tell("payment_link.created", made)
        return made

    @whole
    def visit(self, link_id: str) -> Json:
        """Open a Checkout Session by a Payment Link, as a buyer does. Its metadata is copied to the session, once."""
        link = self.get("payment_link", link_id)
        if not link["active"]:
            raise Denied(400, "This link has been deactivated.")
        made = self.keep(objects.session("payment", link["currency"], BUYER, link["metadata"], None))
        items = [dict(item) for item in self.store.items_of(link_id)]
        self.store.keep_items(made["id"], items)
        total = sum(item["amount_total"] for item in items)
        made |= {"payment_link": link_id, "amount_subtotal": total, "amount_total": total,
                 "expires_at": self.now + 24 * 3600}  # fmt: skip
        return made

    @whole
    def switch(self, link_id: str, active: bool, metadata: dict[str, str] | None = None) -> Json:
        """Activate or deactivate a Payment Link, and merge its metadata: an empty value removes an entry."""
        link = self.get("payment_link", link_id)
        merged = {**link["metadata"], **(metadata or {})}
        link |= {"active": active, "metadata": {name: value for name, value in merged.items() if value != ""}}
        self.tell("payment_link.updated", link)
        return link

    def _item(
        self, sku: str, unit_price: int, quantity: int, currency: str, adjustable: tuple[int, int] | None = None
    ) -> Json:
        goods = self.keep({"object": "product", "active": True, "metadata": {"sku": sku}, "name": f"Shoe {sku}"})
        price = self.keep({"object": "price", "currency": currency, "metadata": {}, "product": goods["id"],
                            "unit_amount": unit_price, "unit_amount_decimal": str(unit_price)})  # fmt: skip
        return self.keep(objects.item(price, goods["name"], quantity, adjustable))

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
        if made["status"] != "open":
            said = 'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status'
            raise Denied(400, f"{said} of `{made['status']}`.")
        made["status"] = "expired"
        self.tell("checkout.session.expired", made)
        return made
