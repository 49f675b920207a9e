"""Clients that ask over HTTP and cost less than the server: all of them in one thread, each with a connection."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

Request = tuple[str, dict[str, Any]]
"""The path of a request, and its body."""


class Wire:
    """One client: it asks again and again, over one connection while it is its turn. The server closes idle ones."""

    def __init__(self, url: str, key: str, make: Callable[[], Request]) -> None:
        self._host = urlsplit(url)
        self._heads = f"Host: {self._host.netloc}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        self._make, self._answer = make, b""

    def __call__(self) -> None:
        """Ask once and wait for the answer."""
        self.connect()
        self.ask()
        while not self.hear():
            pass
        self.socket.close()

    def connect(self) -> None:
        """Open the connection."""
        self.socket = socket.create_connection((self._host.hostname or "", self._host.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> None:
        """Send a request."""
        path, body = self._make()
        content = json.dumps(body)
        first = f"POST /api{path} HTTP/1.1\r\n{self._heads}Content-Length: {len(content)}\r\n\r\n"
        self._answer = b""
        self.socket.sendall(first.encode() + content.encode())

    def hear(self) -> bool:
        """Receive a part of the answer; returns whether it is whole."""
        self._answer += self.socket.recv(65_536)
        head, found, body = self._answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 2"), self._answer
        if not found:
            return False
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return len(body) >= int(length)


def by_selector(wires: Sequence[Wire], seconds: float) -> float:
    """Let all ask for so long, and return how many answers a second they got together."""
    for wire in wires:
        wire.connect()
    count, start = 0, time.monotonic()
    with selectors.DefaultSelector() as waiting:
        for wire in wires:
            waiting.register(wire.socket, selectors.EVENT_READ, wire)
            wire.ask()
        while waiting.get_map():
            for key, _ in waiting.select():
                if not key.data.hear():
                    continue
                count += 1
                if time.monotonic() < start + seconds:
                    key.data.ask()
                else:
                    waiting.unregister(key.fileobj)
                    key.data.socket.close()
    return count / (time.monotonic() - start)
