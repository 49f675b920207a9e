"""Small objects of Stripe's in which a test changes a field, and the events of a busy day in every API version."""

from __future__ import annotations

import json
from typing import Any

from core.sandbox.objects import CURRENT, Json
from tests.stripe.account import StripeAccount

VERSIONS = ["2014-01-31", "2014-06-17", "2015-02-18", "2018-09-06", "2020-08-27", "2022-08-01", "2022-11-15",
            "2024-12-18.acacia", "2025-03-31.basil", CURRENT]  # fmt: skip
CART = {"cart": '[{"sku": "A-1", "quantity": 2}]'}


def intent(**changes: Any) -> Json:
    """Return a PaymentIntent that succeeded."""
    return {"id": "pi_1", "object": "payment_intent", "amount": 100, "amount_received": 100, "currency": "usd",
            "created": 1_700_000_000, "livemode": False, "status": "succeeded", "metadata": {}, **changes}  # fmt: skip


def session(**changes: Any) -> Json:
    """Return a Checkout Session that was paid."""
    return {"id": "cs_1", "object": "checkout.session", "amount_total": 100, "currency": "usd", "mode": "payment",
            "created": 1_700_000_000, "livemode": False, "status": "complete", "payment_status": "paid",
            "payment_intent": "pi_1", "metadata": {}, **changes}  # fmt: skip


def charge(**changes: Any) -> Json:
    """Return a charge without a PaymentIntent."""
    return {"id": "ch_1", "object": "charge", "amount": 100, "currency": "usd", "created": 1_700_000_000,
            "livemode": False, "paid": True, "captured": True, "refunded": False, "status": "succeeded",
            "metadata": {}, **changes}  # fmt: skip


def shapes() -> list[Json]:
    """Return the events of one busy day, in every API version."""
    found: list[Json] = []
    for version in VERSIONS:
        account = StripeAccount(api_version=version)
        made = account.pay(metadata=CART)
        account.dispute(made["latest_charge"])
        account.fail_refund(account.refund(payment_intent=made["id"], amount=5)["id"])
        account.complete(account.checkout(shipping=5)["id"], delayed=True)
        account.cancel(account.open_payment()["id"])
        account.charge()
        found += account.kept["event"].values()
        found += [json.loads(body) for body, _ in account.deliveries(thin=True)][:3]
    return found
