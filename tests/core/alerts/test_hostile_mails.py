"""Hostile texts in mails and messages: no header and no recipient comes of them, and a mail shows their letters."""

from __future__ import annotations

import pytest

from core.alerts import notifier
from core.alerts.notifier import Letter, Message
from core.foundation.errors import DeliveryFailed
from core.views import pictures
from core.views.sections import Chart
from tests.support.outside.texts import HOSTILE
from tests.support.receivers import mailbox

FORGED = (
    "Order\r\nBcc: all@evil.example",
    "Order\nTo: all@evil.example\n\nAnother text",
    "Order\rX-Forged: 1",
    "Order\u2028Bcc: all@evil.example",
    "=?utf-8?q?Order=0D=0ABcc:_all@evil.example?=",
    "Order\0\x0b\x0cBcc: all@evil.example",
    *HOSTILE,
)
HEADERS = {"subject", "from", "to", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding",
           "x-application", "auto-submitted", "reply-to", "list-unsubscribe"}  # fmt: skip


@pytest.mark.slow
def test_a_title_makes_no_header_and_no_recipient() -> None:
    with mailbox() as post:
        for title in FORGED:
            notifier.send(post.url, Message(title=title, body=title), recipient="kim@shop.example")
            letter = Letter(mail_id="a", title=title, text=title, html="<p>x</p>")
            notifier.send_letter(post.url, letter, recipient="kim@shop.example")
    assert len(post.got) == 2 * len(FORGED)
    for recipients, mail in post.got:
        assert recipients == ["kim@shop.example"]
        assert {name.lower() for name in mail} <= HEADERS
        assert mail.get_all("To") in (["kim@shop.example"], ["<kim@shop.example>"])
        assert len(mail.get_all("Subject", [])) == 1


@pytest.mark.parametrize(
    "recipient", ["kim@shop.example\r\nBcc: a@evil.example", "a@b,c@evil.example", "<a@b>", "a b@c"]
)
def test_a_recipient_that_is_not_one_address_gets_nothing(recipient: str) -> None:
    with mailbox() as post:
        with pytest.raises(DeliveryFailed):
            notifier.send(post.url, Message(title="A", body="B"), recipient=recipient)
        with pytest.raises(DeliveryFailed):
            notifier.send_letter(post.url, Letter(mail_id="a", title="A", text="B", html=""), recipient=recipient)
    assert post.got == []


@pytest.mark.parametrize("across", [False, True])
def test_a_picture_draws_every_name_as_it_is(across: bool) -> None:
    for name in ("$x^$", "$\\frac{1}$", "$$", "_www.evil.example_", "$x^2$ $$y$$ \\(z\\)"):
        series = {name: (1.0, 2.0), "other": (2.0, 1.0)}
        chart = Chart(title=name, labels=(name, "b"), series=series, unit=name, across=across)
        assert pictures.png(chart).startswith(b"\x89PNG")
