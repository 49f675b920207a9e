"""Sending one message to one address through Apprise, which knows mail servers, chats and webhooks.

This is the only module that imports Apprise. An address contains secrets and a message can contain a buyer's data:
neither is ever logged, shown or put into an error.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat

from core.foundation.errors import DeliveryFailed

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
LASTING = {"400", "401", "403", "404", "405", "410", "422"}
"""Answers of a webhook after which a retry cannot help. If the answer is not known, the message is retried."""
ACCOUNT = {"530", "534", "535", "538"}
"""Answers of a mail server about our own account. The message is retried, because the account can be corrected."""
OUTBOX = "outbox://"
"""The address of a destination that sends nothing: its messages are kept like all others."""
_HOOK = re.compile(r"\berror=(\d{3})\b")
_MAIL = re.compile(r"^Socket Exception: .*?\((\d{3}), b|\bwas refused: (\d{3}) ")


class _Listener(logging.Handler):
    """Reads the library's log in each thread, keeps only the status of an answer, and passes nothing on."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status of an answer, and whether a retry cannot help after it."""
        line = record.getMessage()
        if found := _HOOK.search(line):
            self.heard.status, self.heard.is_lasting = found[1], found[1] in LASTING
        elif found := _MAIL.search(line):
            status = found[1] or found[2]
            self.heard.status, self.heard.is_lasting = status, status[0] == "5" and status not in ACCOUNT


_listener = _Listener()
_library = logging.getLogger("apprise")
_library.handlers, _library.propagate = [_listener], False
_library.setLevel(logging.DEBUG)  # the library reports the answer of a mail server only at this level


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: a subject line and a text."""

    title: str
    body: str = field(repr=False)


def send(url: str, message: Message, *, recipient: str | None = None) -> None:
    """Send a message to an address; a mail account mails it to `recipient`. Raises DeliveryFailed."""
    if url == OUTBOX:
        return
    service = _service(url)
    if service is None:
        raise DeliveryFailed("Its address does not belong to a known service.", permanent=True)
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
    if recipient is not None:
        if not hasattr(service, "targets") or not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", recipient):
            raise DeliveryFailed("It cannot be mailed to this recipient.", permanent=True)
        service.targets = [(False, recipient)]
    _listener.heard.status, _listener.heard.is_lasting = None, False
    try:
        arrived = service.notify(body=message.body, title=message.title, body_format=NotifyFormat.TEXT)
    except Exception:  # an error of a service's own code; its text could contain the address
        arrived = False
    if not arrived:
        status = _listener.heard.status
        unknown = "It could not be reached, or did not accept the message."
        why = f"It answered with an error ({status})." if status else unknown
        raise DeliveryFailed(why, permanent=_listener.heard.is_lasting)


def describe(url: str) -> str:
    """Return the kind of service an address belongs to, without any part of the address."""
    if url == OUTBOX:
        return "Outbox, which sends nothing"
    service = _service(url)
    return str(service.service_name) if service is not None else "Unknown service"


@cache
def _load_services() -> None:
    """Load the services once, without the warnings meant for their authors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Apprise.instantiate("json://localhost")


def _service(url: str) -> Any:
    _load_services()
    asset = AppriseAsset(app_id="Stockroom", app_desc="Stockroom", async_mode=False)
    try:
        return Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    except Exception:
        return None
