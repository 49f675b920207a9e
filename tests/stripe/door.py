"""The fake Stripe over HTTP on this machine, for other processes. It also delivers to a webhook.

Every message is delivered three times, from several threads at once, so that they do not arrive in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

from tests.stripe.fake import FakeStripe

TIMES = 3


class StripeDoor(ThreadingHTTPServer):
    """Answers as Stripe does at `url`. After `open_webhook` it delivers events to the webhook."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, fake: FakeStripe) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fake = fake
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._hands = ThreadPoolExecutor(6)
        self._delivered: list[Future[None]] = []
        self._webhook: httpx.Client | None = None

    def open_webhook(self, url: str) -> None:
        """Deliver to the dashboard at this URL from now on; earlier events are not delivered."""
        self.fake.deliveries()
        self._webhook = httpx.Client(base_url=url, timeout=60)

    def tell(self) -> None:
        """Deliver the events since the last call."""
        if self._webhook is not None:
            for body, signature in self.fake.deliveries():
                for _ in range(TIMES):
                    self._delivered.append(self._hands.submit(self._deliver, self._webhook, body, signature))

    def finish(self) -> int:
        """Wait until everything is delivered, and return how many deliveries there were."""
        for delivery in self._delivered:
            delivery.result()
        return len(self._delivered)

    def _deliver(self, webhook: httpx.Client, body: bytes, signature: str) -> None:
        for _ in range(20):  # retry until it is accepted, as Stripe does
            if webhook.post("/webhook/stripe", content=body, headers={"Stripe-Signature": signature}).is_success:
                return
        raise AssertionError("the webhook did not accept a message")

    def close(self) -> None:
        """Stop all threads and close all connections."""
        self._hands.shutdown()
        self.shutdown()
        self.server_close()
        if self._webhook is not None:
            self._webhook.close()


class _Handler(BaseHTTPRequestHandler):
    server: StripeDoor
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("get", None)

    def do_POST(self) -> None:
        self._answer("post", self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        self.server.tell()

    def _answer(self, method: str, body: str | None) -> None:
        text, status, headers = self.server.fake.request(method, self.path, dict(self.headers.items()), body)
        content = text.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(content)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def stripe_over_http(fake: FakeStripe) -> Iterator[StripeDoor]:
    """Serve a fake Stripe over HTTP."""
    door = StripeDoor(fake)
    thread = Thread(target=door.serve_forever, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        door.close()
        thread.join()
