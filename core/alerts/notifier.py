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
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from functools import cache
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat

from core.foundation import journal
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


_RECIPIENT = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")


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
journal.leave(_library.name)  # it logs addresses with secrets, and the listener needs what a mail server answers
_library.setLevel(logging.DEBUG)  # the library reports the answer of a mail server only at this level


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: a subject line and a text."""

    title: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail: the same in plain text and in HTML, which shows each picture as `cid:` and its name.

    `mail_id` is the same in each try, so that a mailbox shows it once. `stop_url`: where the recipient stops them.
    """

    mail_id: str
    title: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    pictures: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    stop_url: str | None = None


def send(url: str, message: Message, *, recipient: str | None = None) -> None:
    """Send a message to an address; a mail account mails it to `recipient`. Raises DeliveryFailed."""
    if url == OUTBOX:
        return
    service = _known(url)
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
    if recipient is not None:
        _refuse_recipient(service, recipient)
        service.targets = [(False, recipient)]
    _listener.heard.status, _listener.heard.is_lasting = None, False
    try:
        arrived = service.notify(body=message.body, title=_line(message.title), body_format=NotifyFormat.TEXT)
    except Exception:  # an error of a service's own code; its text could contain the address
        arrived = False
    if not arrived:
        raise _failure()


def send_letter(url: str, letter: Letter, *, recipient: str) -> None:
    """Send a mail with pictures through a mail account. Raises DeliveryFailed."""
    if url == OUTBOX:
        return
    account = _known(url)
    _refuse_recipient(account, recipient)
    # Loaded with the services: by itself it warns those who develop the library.
    from apprise.plugins.email.smtp import AppriseSMTPController

    _listener.heard.status, _listener.heard.is_lasting = None, False
    mail = _written(letter, account.from_addr, recipient)
    try:
        with AppriseSMTPController(
            host=account.smtp_host, port=account.port, secure_mode=account.secure_mode, user=account.user,
            password=account.password, verify_certificate=account.verify_certificate,
            socket_connect_timeout=int(READ_SECONDS),
        ) as server:  # fmt: skip
            arrived = server.sendmail(account.from_addr[1], [recipient], mail.as_string())
    except Exception as error:  # its text could contain the account
        _library.debug("Socket Exception: %s", error)
        arrived = False
    if not arrived:
        raise _failure()


def _written(letter: Letter, sender: Any, recipient: str) -> EmailMessage:
    """Return a letter as a mail: plain text, or HTML with its pictures inside."""
    mail = EmailMessage()
    mail["Subject"] = _line(letter.title)
    mail["From"] = Address(display_name=str(sender[0] or "Stockroom"), addr_spec=sender[1])
    mail["To"] = recipient
    mail["Date"] = formatdate(localtime=False)
    mail["Message-ID"] = f"<{letter.mail_id}@{sender[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if letter.stop_url:
        mail["List-Unsubscribe"] = f"<{letter.stop_url}>"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    *_, page = mail.iter_parts()
    for name, png in letter.pictures:
        page.add_related(png, "image", "png", cid=f"<{name}>", filename=f"{name}.png", disposition="inline")
    return mail


def _line(title: str) -> str:
    """Return a title as one line of letters: no text of a buyer's begins a header or encodes one."""
    shown = "".join(each if each.isprintable() else " " for each in title).replace("=?", "= ?")
    return " ".join(shown.split())


def _known(url: str) -> Any:
    service = _service(url)
    if service is None:
        raise DeliveryFailed("Its address does not belong to a known service.", permanent=True)
    return service


def _refuse_recipient(service: Any, recipient: str) -> None:
    if not hasattr(service, "targets") or not _RECIPIENT.fullmatch(recipient):
        raise DeliveryFailed("It cannot be mailed to this recipient.", permanent=True)


def _failure() -> DeliveryFailed:
    status = _listener.heard.status
    unknown = "It could not be reached, or did not accept the message."
    why = f"It answered with an error ({status})." if status else unknown
    return DeliveryFailed(why, permanent=_listener.heard.is_lasting)


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
    # A redirect that is followed turns the message into an empty request, which would count as sent.
    asset = AppriseAsset(app_id="Stockroom", app_desc="Stockroom", async_mode=False, http_redirects=False)
    try:
        return Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    except Exception:
        return None
