"""Receivers of messages on this machine: a webhook over HTTP and a mail server over SMTP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class Hook:
    """A webhook: what it received, and the status it answers with."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.got, self.url = status, list[dict[str, Any]](), ""


@contextmanager
def hook(status: int = 200) -> Iterator[Hook]:
    """Run a webhook that answers with `status`."""
    found = Hook(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path == "/moved":
                found.status = 200
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            found.got.append(json.loads(body or b"{}"))
            self.send_response(found.status)
            if 300 <= found.status < 400:
                self.send_header("Location", "/moved")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - as the base class names it

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"json://127.0.0.1:{server.server_port}/hush"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


class Mailbox:
    """A mail server: the mails it received, and to whom. `refusal` is its answer to each recipient it refuses."""

    def __init__(self, refusal: str = "") -> None:
        self.got, self.url, self.refusal = list[tuple[list[str], EmailMessage]](), "", refusal

    async def handle_RCPT(  # noqa: N802 - its name there
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Accept a recipient, or refuse it."""
        if not self.refusal:
            envelope.rcpt_tos.append(address)
        return self.refusal or "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name there
        """Accept a mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.got.append((list(envelope.rcpt_tos), mail))
        return "250 OK"


@contextmanager
def mailbox(refusal: str = "") -> Iterator[Mailbox]:
    """Run a mail server. With `refusal` it refuses every recipient."""
    found = Mailbox(refusal)
    with socket_free() as port:
        pass
    server = Controller(found, hostname="127.0.0.1", port=port)
    server.start()
    found.url = f"mailto://127.0.0.1:{port}/?from=shop@shop.example&to=duty@shop.example&mode=insecure"
    try:
        yield found
    finally:
        server.stop()


@contextmanager
def socket_free() -> Iterator[int]:
    """Give a port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield int(listener.getsockname()[1])
