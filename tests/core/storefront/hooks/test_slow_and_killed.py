"""Webhooks when a program is slow, and when the worker is killed in the middle of a delivery."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
from standardwebhooks import Webhook

from core.foundation.model import COMMAND_LINE
from core.screens import files
from core.screens.files import Format
from core.storefront.hooks import endpoints, sending
from core.storefront.hooks.endpoints import Event
from tests.support.builders import Shop

WAIT = 20
WORK = """
import sys, threading
from core.database.engine import create_engine
from core.storefront.hooks import sending
sending.deliver(create_engine(sys.argv[1]), None, print, threading.Event())
"""


class Receiver:
    """A program that puts what arrives into `got`, and answers only while `answers` is set."""

    def __init__(self) -> None:
        self.got = Queue[tuple[bytes, dict[str, str]]]()
        self.answers = threading.Event()
        self.url = ""


@contextmanager
def receiving() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.put((body, {name.lower(): value for name, value in self.headers.items()}))
            found.answers.wait(WAIT)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                """The worker was killed and left."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield found
    found.answers.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKROOM_PRIVATE_HOOKS", "1")


def work(shop: Shop) -> list[str]:
    said: list[str] = []
    sending.deliver(shop.engine, None, said.append, threading.Event())
    return said


def test_a_slow_program_does_not_delay_the_messages_of_others(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(9, sku="SHOE")
    with receiving() as slow, receiving() as quick:
        quick.answers.set()
        for name, found in (("Slow", slow), ("Quick", quick)):
            fresh_shop.run(endpoints.make, "Ada", name=name, url=found.url, events=[Event.LEVEL_CHANGED, Event.OUT])
        work(fresh_shop)
        fresh_shop.adjust(shoe, -9)  # two messages for each
        worker = threading.Thread(target=work, args=(fresh_shop,))
        worker.start()
        slow.got.get(timeout=WAIT)
        for _ in range(2):
            quick.got.get(timeout=WAIT)
        assert slow.got.empty(), "the slow one has not even answered its first message"
        slow.answers.set()
        worker.join(WAIT)
        assert not worker.is_alive()
        assert slow.got.qsize() == 1


def test_a_program_that_takes_its_time_leaves_the_rest_to_the_next_run(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoe = fresh_shop.variant(9, sku="SHOE")
    monkeypatch.setattr(sending, "SECONDS_EACH", 0.0)
    with receiving() as found:
        found.answers.set()
        fresh_shop.run(endpoints.make, "Ada", name="Shop", url=found.url, events=[Event.LEVEL_CHANGED])
        work(fresh_shop)
        fresh_shop.adjust(shoe, -1)
        assert work(fresh_shop) == ["Sent 0 webhooks; 0 could not be delivered yet."]
        monkeypatch.setattr(sending, "SECONDS_EACH", 20.0)
        assert work(fresh_shop) == ["Sent 1 webhook; 0 could not be delivered yet."]


def test_a_worker_killed_in_a_delivery_delivers_once_more_under_the_same_id(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(9, sku="SHOE")
    with receiving() as found:
        secret = fresh_shop.run(endpoints.make, "Ada", name="Shop", url=found.url, events=[Event.LEVEL_CHANGED])
        work(fresh_shop)
        fresh_shop.adjust(shoe, -1)
        with subprocess.Popen([sys.executable, "-c", WORK, fresh_shop.app_url]) as process:
            first = found.got.get(timeout=WAIT)
            os.kill(process.pid, signal.SIGKILL)
        found.answers.set()
        assert work(fresh_shop) == [], "the message is not free before its two minutes are over"
        fresh_shop.sql("update stockroom.hook_deliveries set due_at = now() where state = 'waiting'")
        assert work(fresh_shop) == ["Sent 1 webhook; 0 could not be delivered yet."]
        second = found.got.get(timeout=WAIT)
        assert found.got.empty()
        assert first[1]["webhook-id"] == second[1]["webhook-id"]
        assert Webhook(secret).verify(*first) == Webhook(secret).verify(*second)
        (delivery,) = fresh_shop.run(endpoints.deliveries, "Ada")
        assert (delivery.state, delivery.attempts) == ("sent", 2)


def test_the_messages_are_a_file_without_texts_urls_and_secrets(fresh_shop: Shop, tmp_path: Any) -> None:
    shoe = fresh_shop.variant(9, sku="SHOE")
    with receiving() as found:
        found.answers.set()
        fresh_shop.run(endpoints.make, "Ada", name="Web shop", url=found.url, events=[Event.LEVEL_CHANGED])
        work(fresh_shop)
        fresh_shop.adjust(shoe, -1)
        work(fresh_shop)
        path = tmp_path / "messages.csv"
        written = {"name": "webhook_messages", "format": Format.CSV, "path": path}
        assert fresh_shop.run(files.write_list, "Ada", **written) == 1
        text = path.read_text(encoding="utf-8-sig")
        assert "Web shop" in text
        assert tuple(text.splitlines()[1].split(",")[n] for n in (3, 4, 6, 8)) == (
            "level.changed",
            "SHOE",
            "sent",
            "200",
        )
        assert not any(hidden in text for hidden in ("whsec_", "127.0.0.1"))
        assert COMMAND_LINE.name not in text
