"""Signing one message and sending it. The only module that imports `standardwebhooks`.

A name is resolved once, and the request goes to the address that was checked. An address inside the shop's own network
is refused, because an endpoint could otherwise make Stockroom ask services that only that network may reach.
A setting allows it, and plain http with it. A redirect is not followed.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import urllib3
from standardwebhooks import Webhook

from core.foundation.errors import DeliveryFailed, invalid
from core.foundation.settings import load_settings

SECONDS = 10.0
MOST_READ = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program answered."""

    status: int
    text: str


def may_be_private() -> bool:
    """Return whether webhooks may go to addresses inside the shop's own network, and over http."""
    return load_settings().private_hooks


def check_url(url: str) -> str:
    """Return a URL to which webhooks may go. Raises InvalidInput."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise invalid("address", "is not a URL") from None
    if parts.scheme not in (("https", "http") if may_be_private() else ("https",)):
        raise invalid("address", "must begin with https://")
    if not parts.hostname or port == 0 or "@" in parts.netloc or parts.fragment or len(url) > 500 or not url.isascii():
        raise invalid("address", "must name a host, without a user, a password or a #")
    return url.strip()


def send(url: str, *, secrets: Sequence[str], message_id: str, at: datetime, body: str) -> Answer:
    """Send a message, signed with each secret, and return the answer. Raises DeliveryFailed without one."""
    parts = urlsplit(url)
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in secrets]
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "User-Agent": "Stockroom",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _pool(parts.scheme, str(parts.hostname), parts.port) as pool:
            told = pool.urlopen(
                "POST", path, body=body.encode(), headers=headers, redirect=False, retries=False, preload_content=False
            )
            text = told.read(MOST_READ, decode_content=False).decode("utf-8", "replace")
            told.close()
    except (urllib3.exceptions.TimeoutError, TimeoutError):
        raise DeliveryFailed(f"No answer within {SECONDS:g} seconds.") from None
    except (urllib3.exceptions.SSLError, ssl.SSLError):
        raise DeliveryFailed("Its certificate was not accepted.") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise DeliveryFailed("It could not be reached, or the connection broke before it answered.") from None
    return Answer(status=told.status, text="".join(c if c.isprintable() else " " for c in text))


def _pool(scheme: str, host: str, port: int | None) -> urllib3.HTTPConnectionPool:
    address = _address(host, port or (443 if scheme == "https" else 80))
    timeout = urllib3.Timeout(total=SECONDS)
    if scheme == "https":
        return urllib3.HTTPSConnectionPool(
            address, port or 443, timeout=timeout, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
        )
    return urllib3.HTTPConnectionPool(address, port or 80, timeout=timeout)


def _address(host: str, port: int) -> str:
    """Return the address to send to. Raises DeliveryFailed for one that is not public, unless that is allowed."""
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise DeliveryFailed("Its host has no address.") from None
    if not may_be_private() and not all(_is_public(address) for address in found):
        raise DeliveryFailed("Its host is inside a private network, where Stockroom sends nothing.")
    return found[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    return bool(found.is_global and inner.is_global and not found.is_multicast)
