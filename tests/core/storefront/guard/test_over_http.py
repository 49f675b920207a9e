"""The Stripe guard over HTTP: what it sends, with which key, and what it says about a server without Payment Links."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.foundation.errors import StockError
from core.foundation.settings import load_settings
from core.sandbox.answers import Desk
from core.sandbox.requests import Asked
from core.storefront.guard import setting, working
from core.storefront.guard.setting import Mode
from core.stripe import gateway as stripe_gateway
from core.stripe.gateway import Gateway
from tests.stripe import outside
from tests.stripe.account import StripeAccount
from tests.support.builders import Shop

KEY, GUARD = "rk_test_51TheEverydayKey", "rk_test_51TheGuards"


class Served:
    """An account whose API is on a port of this machine, and what arrived there."""

    def __init__(self) -> None:
        self.account, self.asked, self.url = StripeAccount(), list[Asked](), ""


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served()
    desk, lock = Desk(found.account, GUARD), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("get", None)

        def do_POST(self) -> None:
            self.answer("post", self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

        def answer(self, method: str, body: str | None) -> None:
            asked = Asked.read(method, self.path, dict(self.headers), body)
            with lock:
                found.asked.append(asked)
                text, status, _ = desk.answer(asked)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def gateways(url: str) -> tuple[Gateway | None, Gateway | None]:
    settings = load_settings({"STRIPE_SECRET_KEY": KEY, "STOCKROOM_STRIPE_GUARD_KEY": GUARD, "STRIPE_API_BASE": url})
    return stripe_gateway.from_settings(settings), stripe_gateway.of_guard(settings)


def test_every_request_has_the_guards_own_key_and_every_write_an_idempotency_key(
    embedded_shop: Shop, served: Served
) -> None:
    shoe = embedded_shop.variant(1, sku="SHOE")
    link = served.account.link([("SHOE", 2500, 1)])
    session = served.account.visit(link["id"])
    embedded_shop.run(setting.set_to, "Ada", mode=Mode.ON, has_key=True)
    for change in (-1, 1):
        embedded_shop.adjust(shoe, change)
        working.watch(embedded_shop.engine, *gateways(served.url), lambda _: None, threading.Event())
    assert {asked.headers["Authorization"] for asked in served.asked} == {f"Bearer {GUARD}"}
    writes = [asked for asked in served.asked if asked.method == "post"]
    entry = writes[0].headers["Idempotency-Key"]
    assert [(asked.path, dict(asked.params)) for asked in writes] == [
        (f"/v1/payment_links/{link['id']}", {"active": "false", "metadata": {"stockroom_guard": entry}}),
        (f"/v1/checkout/sessions/{session['id']}/expire", {}),
        (f"/v1/payment_links/{link['id']}", {"active": "true", "metadata": {"stockroom_guard": ""}}),
    ]
    assert len({asked.headers["Idempotency-Key"] for asked in writes}) == 3
    assert all(asked.headers["Idempotency-Key"].startswith("stockroom-guard-") for asked in writes)
    assert served.account.kept["payment_link"][link["id"]]["active"] is True


def test_a_server_of_others_without_payment_links_is_noted_and_the_next_run_tries_again(embedded_shop: Shop) -> None:
    embedded_shop.variant(0, sku="SHOE")
    embedded_shop.run(setting.set_to, "Ada", mode=Mode.ON, has_key=True)
    with outside.localstripe() as url:
        for _ in range(2):
            with pytest.raises(StockError) as refused:
                working.watch(embedded_shop.engine, *gateways(url), lambda _: None, threading.Event())
            assert GUARD not in refused.value.message
            assert embedded_shop.run(setting.setting, "Ada").trouble == refused.value.message
    assert embedded_shop.run(setting.record, "Ada") == ()
