"""End to end over HTTP against localstripe, an independent fake of Stripe."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest

from core.database.engine import run
from core.foundation.sales import Disposition
from core.foundation.settings import load_settings
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.orders import refunds
from core.payloads import reading as payloads
from core.stripe import gateway as stripe_gateway
from core.stripe.gateway import Gateway, from_settings
from tests.stripe.shop import open_cases, orders_of, sold
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

SECRET = "whsec_of_the_smoke_test"
SERVER = Path(__file__).parents[2] / "stripe" / "localstripe_server.py"


@pytest.fixture
def stripe_url() -> Iterator[str]:
    """The URL of a localstripe that runs for the test."""
    with subprocess.Popen([sys.executable, "-W", "ignore", str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture
def account(stripe_url: str) -> Iterator[httpx.Client]:
    """The storefront's client, with the shop's secret key."""
    with httpx.Client(base_url=stripe_url, auth=("sk_test_12345", ""), timeout=20) as client:
        yield client


@pytest.fixture
def gateway(stripe_url: str) -> Gateway:
    """Our gateway, with the other server from the setting STRIPE_API_BASE."""
    found = from_settings(load_settings({"STRIPE_SECRET_KEY": "sk_test_12345", "STRIPE_API_BASE": stripe_url}))
    assert found is not None
    return found


@pytest.fixture
def door() -> Iterator[tuple[str, Queue[tuple[bytes, str]]]]:
    """A webhook URL, and the bodies and signatures that it received."""
    came: Queue[tuple[bytes, str]] = Queue()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.put((body, self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", came
    server.shutdown()
    thread.join()
    server.server_close()


def ask(account: httpx.Client, path: str, **values: str) -> dict[str, Any]:
    answer = account.post(path, data=values)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pay(account: httpx.Client, sku: str, units: int) -> dict[str, Any]:
    card = {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
    method = ask(account, "/v1/payment_methods", type="card", **card)
    cart = json.dumps([{"sku": sku, "quantity": units}])
    values = {"amount": str(1000 * units), "currency": "usd", "payment_method": method["id"], "metadata[cart]": cart}
    return ask(account, "/v1/payment_intents", confirm="true", **values)


def test_a_payment_at_localstripe_is_polled_delivered_refunded_and_restored(
    embedded_shop: Shop, account: httpx.Client, gateway: Gateway, door: tuple[str, Queue[tuple[bytes, str]]]
) -> None:
    shop, (address, came) = embedded_shop, door
    shoe = shop.variant(10, sku="TEE-M")
    polling.poll(shop.engine, gateway)  # from here on, the shop is live
    account.post("/_config/webhooks/shop", json={"url": address, "secret": SECRET}).raise_for_status()

    payment = pay(account, "TEE-M", 3)
    assert payment["status"] == "succeeded"
    assert polling.poll(shop.engine, gateway) > 0
    applying.apply_due(shop.engine, gateway)
    assert (orders_of(shop), sold(shop), shop.on_hand(shoe)) == (1, 3, 7)

    receive_signed(shop, came)
    applying.apply_due(shop.engine, gateway)
    assert (orders_of(shop), sold(shop)) == (1, 3), "the message by webhook tells nothing new"

    ask(account, "/v1/refunds", payment_intent=payment["id"], amount="1000")
    for found in (gateway.payment(payment["id"]), *gateway.refunds_of(payment["id"])):
        assert found is not None
        polling.store(shop.engine, found, livemode=gateway.livemode)
    applying.apply_due(shop.engine, gateway)
    (refund,) = shop.rows("select id, order_id, amount, state from stockroom.refunds")
    assert (refund.amount, refund.state, refund.order_id is None) == (1000, "waiting", False)
    line_id = int(shop.sql("select id from stockroom.order_lines"))
    decision = refunds.Decision(line_id=line_id, disposition=Disposition.RESTOCK, quantity=1)
    shop.run(refunds.decide, "Sam", refund_id=refund.id, decisions=[decision], key=key())
    assert shop.on_hand(shoe) == 8
    assert open_cases(shop) == []
    assert_holds(shop, shoe)


def receive_signed(shop: Shop, came: Queue[tuple[bytes, str]]) -> None:
    """Verify the messages of the other server until the payment's message has arrived, and store them."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        body, signature = came.get(timeout=20)
        event = stripe_gateway.verify(body, signature, [SECRET])
        envelope, _ = payloads.read_event(event)
        message = Incoming(event=envelope, body=body.decode(), source="webhook", payment_id=polling.about(event))
        stored = run(shop.engine, inbox.receive, WORKER, messages=[message])
        if envelope.kind == "payment_intent.succeeded":
            assert stored == 0, "the poll had brought the very same message"
            return
    raise AssertionError("the payment's message never came")
