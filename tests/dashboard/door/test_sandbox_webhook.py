"""The sandbox delivers to the dashboard's own webhook, over HTTP and signed with its own secret."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.routing import Route

from core.foundation.settings import Settings, load_settings
from core.sandbox import connection, play
from core.stripe.gateway import sign
from dashboard.door import webhook
from tests.support.builders import Shop


@contextmanager
def served(engine: Engine, settings: Settings) -> Iterator[str]:
    """Serve the webhook of a dashboard with these settings and give its address."""
    door = webhook.StripeDoor(
        engine=lambda: engine,
        secrets=lambda: settings.stripe_webhook_secrets,
        stand_in=lambda own: connection.webhook_secrets(settings, own),
    )
    app = Starlette(routes=[Route(play.PATH, door.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_the_sandbox_delivers_by_the_real_webhook_and_nobody_else_can(embedded_shop: Shop) -> None:
    shop, no_key = embedded_shop, load_settings({})
    shop.sql("update stockroom.shop set is_sample = true")
    play.open_account(shop.engine).pay()
    assert play.deliver(shop.engine) == 0, "no dashboard runs"
    with served(shop.engine, no_key) as url:
        connection.open_webhook(no_key, shop.engine, url)
        paid = play.open_account(shop.engine).pay()
        assert play.deliver(shop.engine) == 3
        rows = shop.rows("select distinct source, payment_id from stockroom.stripe_events")
        assert [(row.source, row.payment_id) for row in rows] == [("webhook", paid["id"])]
        assert play.deliver(shop.engine) == 0, "each event is sent once"
        connection.open_webhook(load_settings({"STRIPE_WEBHOOK_SECRET": "whsec_of_stripe_itself"}), shop.engine, url)
        play.open_account(shop.engine).pay()
        assert play.deliver(shop.engine) == 0, "this dashboard would not accept them"
        connection.open_webhook(no_key, shop.engine, url)
        forged = {"Stripe-Signature": sign(b"{}", "whsec_sandbox_guessed")}
        assert httpx.post(url + play.PATH, content=b"{}", headers=forged).status_code == 400
        (secret,) = connection.webhook_secrets(no_key, shop.engine)
        shop.sql("update stockroom.shop set is_sample = false")
        signed = {"Stripe-Signature": sign(b"{}", secret)}
        assert httpx.post(url + play.PATH, content=b"{}", headers=signed).status_code == 503
    connection.open_webhook(no_key, shop.engine, "http://127.0.0.1:1")  # a real shop notes no address
    assert shop.sql("select webhook_url from stockroom.sandbox_account") == url
