"""What happens at Stripe after a payment: a subscription renews, a shop answers a dispute."""

from __future__ import annotations

from core.sandbox.objects import Json
from tests.stripe.account import StripeAccount


def renew(account: StripeAccount, amount: int = 5000) -> Json:
    """Let a subscription renew: its payment has no metadata and does not name the invoice that it pays."""
    intent = account.pay(amount)
    paid = {"type": "payment_intent", "payment_intent": intent["id"]}
    account.keep({"object": "invoice_payment", "invoice": f"in_{intent['id']}", "payment": paid, "status": "paid",
                   "amount_paid": amount, "currency": intent["currency"], "is_default": True})  # fmt: skip
    return intent


def answer_dispute(account: StripeAccount, dispute_id: str) -> Json:
    """Answer a dispute, so that the bank decides."""
    made = account.get("dispute", dispute_id)
    made["status"] = "under_review"
    account.tell("charge.dispute.updated", made)
    return made
