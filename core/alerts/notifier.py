"""The one door to Apprise, which speaks to mail servers, chats and web hooks: one message to one address.

An address holds secrets and a message may hold a buyer's: neither is ever logged, shown or put into an error.
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
"""Answers of a web hook after which trying again is of no use. A service whose answer is not told is tried again."""
ACCOUNT = {"530", "534", "535", "538"}
"""Answers of a mail server about our own account: as soon as that is set right, the message goes."""
_HOOK = re.compile(r"\berror=(\d{3})\b")
_MAIL = re.compile(r"^Socket Exception: .*?\((\d{3}), b|\bwas refused: (\d{3}) ")


class _Listener(logging.Handler):
    """Hears what the library says in each thread, keeps only what an answer was, and passes nothing on."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status of an answer, and whether it is one after which trying again is of no use."""
        said = record.getMessage()
        if found := _HOOK.search(said):
            self.heard.status, self.heard.is_lasting = found[1], found[1] in LASTING
        elif found := _MAIL.search(said):
            status = found[1] or found[2]
            self.heard.status, self.heard.is_lasting = status, status[0] == "5" and status not in ACCOUNT


_listener = _Listener()
_library = logging.getLogger("apprise")
_library.handlers, _library.propagate = [_listener], False
_library.setLevel(logging.DEBUG)  # what a mail server answered, the library says there alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: a line, and the text under it."""

    title: str
    body: str = field(repr=False)


def send(url: str, message: Message, *, recipient: str | None = None) -> None:
    """Send a message to an address; a mail account mails it to `recipient`. Raises DeliveryFailed."""
    service = _service(url)
    if service is None:
        raise DeliveryFailed("Its address is not one of a service that is known.", permanent=True)
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
    if recipient is not None:
        if not hasattr(service, "targets") or not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", recipient):
            raise DeliveryFailed("It cannot be mailed to this recipient.", permanent=True)
        service.targets = [(False, recipient)]
    _listener.heard.status, _listener.heard.is_lasting = None, False
    try:
        arrived = service.notify(body=message.body, title=message.title, body_format=NotifyFormat.TEXT)
    except Exception:  # whatever a service's own code stumbles over: its words could repeat the address
        arrived = False
    if not arrived:
        status = _listener.heard.status
        said = (
            f"It answered with an error ({status})." if status else "It was not reached, or did not take the message."
        )
        raise DeliveryFailed(said, permanent=_listener.heard.is_lasting)


def describe(url: str) -> str:
    """Return what kind of service an address belongs to, without a word of the address itself."""
    service = _service(url)
    return str(service.service_name) if service is not None else "Unknown service"


@cache
def _load_services() -> None:
    """Load the services once; what their modules warn their own authors of is none of ours."""
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
