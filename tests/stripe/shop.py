"""A shop with a Stripe account: payments arrive by webhook, poll or import, and the worker applies them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from core.database.engine import run
from core.foundation.sales import Policy
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from core.stripe.gateway import Gateway
from tests.stripe.account import StripeAccount
from tests.stripe.fake import fake_gateway
from tests.support.builders import Shop


class Stripe:
    """A Stripe account, and the shop's gateway to it."""

    def __init__(self, shop: Shop) -> None:
        """Open an account, and go live with it by a first poll."""
        self.shop = shop
        self.account = StripeAccount()
        self.gateway: Gateway = fake_gateway(self.account)[0]
        self.poll()
        self.account.now = int(time.time())  # later payments are made after going live, on a slow machine too

    def poll(self) -> int:
        """Poll Stripe, and return how many messages were new."""
        return polling.poll(self.shop.engine, self.gateway)

    def webhook(self, **how: Any) -> int:
        """Deliver the events since the last call, and return how many messages were new."""
        bodies = [json.loads(body) for body, _ in self.account.deliveries(**how)]
        messages = [
            Incoming(event=payloads.read_event(body)[0], body=json.dumps(body), source="webhook",
                     payment_id=polling.about(body))
            for body in bodies
        ]  # fmt: skip
        return run(self.shop.engine, inbox.receive, WORKER, messages=messages)

    def import_all(self, policy: Policy | None = Policy.NORMAL) -> None:
        """Import everything from Stripe."""
        since = datetime.now(UTC) - timedelta(days=400)
        polling.import_range(self.shop.engine, self.gateway, WORKER, since=since, until=None, policy=policy)

    def work(self) -> applying.Applied:
        """Let the worker apply everything that is due, and return the sum of its rounds."""
        total = applying.Applied()
        while (done := applying.apply_due(self.shop.engine, self.gateway)).messages:
            total = applying.Applied(
                messages=total.messages + done.messages, orders=total.orders + done.orders,
                lines=total.lines + done.lines, put_off=total.put_off + done.put_off,
            )  # fmt: skip
        return total

    def pay(self, sku: str, units: int = 1, **more: Any) -> Any:
        """Pay for some units of a SKU, by default of a new buyer. The cart is in the metadata."""
        cart = {"cart": json.dumps([{"sku": sku, "quantity": units}])}
        return self.account.pay(1000 * units, metadata=cart, **more)


def sold(shop: Shop) -> int:
    """Return the units of all sale movements."""
    return int(shop.sql("select coalesce(-sum(quantity), 0) from public.stock_movements where movement_type = 'sale'"))


def orders_of(shop: Shop) -> int:
    """Return how many orders there are."""
    return int(shop.sql("select count(*) from stockroom.orders"))


def open_cases(shop: Shop) -> list[str]:
    """Return the open cases, oldest first: kind and sentence."""
    rows = shop.rows(
        "select kind || ': ' || sentence as line from stockroom.alerts where state <> 'resolved' order by id"
    )
    return [row.line for row in rows]
