"""Webhooks to programs: signed, coalesced, retried under one id, replayed, and never to a private network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from core.foundation.errors import DeliveryFailed, Forbidden, InvalidInput
from core.storefront.hooks import endpoints, sending, wire
from core.storefront.hooks.endpoints import Delivery, Event, Switch
from tests.support.builders import Shop


class Program:
    """A program that receives webhooks and answers with `status`."""

    def __init__(self) -> None:
        self.status, self.url, self.wait = 200, "", 0.0
        self.got = list[tuple[bytes, dict[str, str]]]()

    def verified(self, secret: str) -> list[Any]:
        """Return what arrived, verified by the library's own verifier."""
        return [Webhook(secret).verify(body, headers) for body, headers in self.got]

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers in self.got]


@contextmanager
def program() -> Iterator[Program]:
    found = Program()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((body, {name.lower(): value for name, value in self.headers.items()}))
            time.sleep(found.wait)
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"thanks\nall")

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hook?shop=1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.setenv("STOCKROOM_PRIVATE_HOOKS", "1")
    with program() as found:
        yield found


def work(shop: Shop) -> list[str]:
    said: list[str] = []
    sending.deliver(shop.engine, None, said.append, threading.Event())
    return said


def endpoint(shop: Shop, url: str, *events: Event) -> str:
    """Add an endpoint, let the worker note the levels of now, and return its secret."""
    secret: str = shop.run(endpoints.make, "Ada", name="Web shop", url=url, events=events or tuple(Event))
    work(shop)
    return secret


def deliveries(shop: Shop) -> tuple[Delivery, ...]:
    found: tuple[Delivery, ...] = shop.run(endpoints.deliveries, "Ada")
    return found


def due_now(shop: Shop) -> None:
    shop.sql("update stockroom.hook_deliveries set due_at = now() where state = 'waiting'")


def test_many_changes_are_one_message_and_out_and_back_are_said(fresh_shop: Shop, receiver: Program) -> None:
    shoe = fresh_shop.variant(3, sku="SHOE")
    secret = endpoint(fresh_shop, receiver.url)
    assert receiver.got == []
    for _ in range(3):
        fresh_shop.adjust(shoe, -1)
    assert work(fresh_shop) == ["Sent 2 webhooks; 0 could not be delivered yet."]
    fresh_shop.adjust(shoe, 2)
    fresh_shop.run(sending.gather)
    fresh_shop.adjust(shoe, 2)  # nobody was told of the 2 yet
    work(fresh_shop)
    told = [(each["type"], each["data"]["available"]) for each in receiver.verified(secret)]
    assert sorted(told[:2]) == [("level.changed", 0), ("stock.out", 0)]
    assert sorted(told[2:]) == [("level.changed", 4), ("stock.back", 2)]
    body, headers = receiver.got[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"SHOE", b"BOOT"), headers)
    assert work(fresh_shop) == []


def test_a_failing_program_is_sent_the_same_id_again_and_can_be_replayed(fresh_shop: Shop, receiver: Program) -> None:
    shoe = fresh_shop.variant(3, sku="SHOE")
    secret = endpoint(fresh_shop, receiver.url, Event.LEVEL_CHANGED)
    fresh_shop.adjust(shoe, -1)
    for receiver.status in (500, 302, 204):  # a redirect is not followed
        work(fresh_shop)
        due_now(fresh_shop)
    (sent,) = deliveries(fresh_shop)
    assert (sent.state, sent.attempts, sent.status, sent.sku) == ("sent", 3, 204, "SHOE")
    assert receiver.ids() == [sent.message_id] * 3
    new = fresh_shop.run(endpoints.rotate, "Ada", hook_id=sent.hook_id)
    assert fresh_shop.run(endpoints.replay, "Ada", hook_id=sent.hook_id, delivery_id=sent.delivery_id) == 1
    work(fresh_shop)
    body, headers = receiver.got[-1]
    assert Webhook(secret).verify(body, headers) == Webhook(new).verify(body, headers)
    receiver.status = 410
    fresh_shop.adjust(shoe, -1)
    for _ in range(10):
        work(fresh_shop)
        due_now(fresh_shop)
    assert deliveries(fresh_shop)[0].state == "failed"
    assert fresh_shop.run(endpoints.replay, "Ada", hook_id=sent.hook_id) == 1
    assert len(set(receiver.ids())) == 2


def test_a_worker_that_dies_before_it_marks_sends_the_same_message_again(
    fresh_shop: Shop, receiver: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoe = fresh_shop.variant(3)
    endpoint(fresh_shop, receiver.url, Event.LEVEL_CHANGED)
    fresh_shop.adjust(shoe, -1)

    class Killed(BaseException):
        """The process ends here."""

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(sending, "_mark", dies)
        with pytest.raises(Killed):
            work(fresh_shop)
    fresh_shop.adjust(shoe, -1)
    work(fresh_shop)  # the first message is not free yet, the second is sent
    due_now(fresh_shop)
    work(fresh_shop)
    first, second, again = receiver.ids()
    assert (again == first, second != first) == (True, True)


def test_a_failed_order_is_said_once(fresh_shop: Shop, receiver: Program) -> None:
    secret = endpoint(fresh_shop, receiver.url, Event.ORDER_FAILED)
    order = fresh_shop.sql(
        """insert into stockroom.orders (payment_id, number, amount, currency, paid_at, livemode, policy, cart_state)
           values ('pi_7', 'A-7', 100, 'eur', now(), false, 'normal', 'unreadable') returning id"""
    )
    fresh_shop.sql(
        """insert into stockroom.alerts (kind, severity, cause, sentence, order_id)
           values ('unreadable_cart', 'urgent', 'x', 'of ana@example.org', :id)""",
        id=order,
    )
    work(fresh_shop)
    work(fresh_shop)
    (told,) = receiver.verified(secret)
    assert (told["type"], told["data"]["order"], told["data"]["kind"]) == ("order.failed", "A-7", "unreadable_cart")
    assert "ana" not in str(told)


def test_five_days_of_failures_switch_it_off_with_a_case_that_ends_when_it_is_on(
    fresh_shop: Shop, receiver: Program
) -> None:
    shoe = fresh_shop.variant(3)
    endpoint(fresh_shop, receiver.url, Event.LEVEL_CHANGED)
    receiver.status = 503
    fresh_shop.adjust(shoe, -1)
    work(fresh_shop)
    fresh_shop.sql("update stockroom.hook_endpoints set failing_since = now() - interval '6 days'")
    due_now(fresh_shop)
    work(fresh_shop)
    (found,) = fresh_shop.run(endpoints.endpoints, "Ada")
    assert found.off_why == "It has not accepted a message for five days."
    state = "select state from stockroom.alerts where kind = 'webhook_off'"
    assert fresh_shop.sql(state) == "open"
    fresh_shop.run(endpoints.switch, "Ada", hook_id=found.hook_id, to=Switch.ON)
    assert fresh_shop.sql(state) == "resolved"


def test_only_an_admin_makes_one_and_only_to_a_public_address(
    fresh_shop: Shop, receiver: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: dict[str, Any] = {"name": "x", "events": [Event.OUT]}
    with pytest.raises(Forbidden):
        fresh_shop.run(endpoints.make, "Mia", url="https://shop.example/hook", **values)
    monkeypatch.delenv("STOCKROOM_PRIVATE_HOOKS")
    for url in (
        receiver.url,
        "ftp://x",
        "https://",
        "https://a:b@shop.example/",
        "https://x:99999/",
        "https://é.example",
    ):
        with pytest.raises(InvalidInput):
            fresh_shop.run(endpoints.make, "Ada", url=url, **values)
    for host in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost"):
        with pytest.raises(DeliveryFailed, match="private network"):
            wire.send(f"https://{host}/", secrets=["whsec_AAAA"], message_id="m", at=datetime.now(UTC), body="")
    assert receiver.got == []
