"""What a request says about its client: the address for the rate limit, and whether the cookie needs https."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import HTTPConnection, Request

from core.people.accounts import NewSession
from dashboard.door.post import address_of
from dashboard.door.signin import remember, wait_sentence


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("203.0.113.7", 1), "203.0.113.7"),
        (("::ffff:203.0.113.7", 1), "203.0.113.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 1), "2001:db8:1:2::/64"),
        (("testclient", 1), "local"),
        (("", 0), "local"),
        (None, "local"),
    ],
)
def test_failed_attempts_count_by_address_and_by_the_network_of_one_household(
    client: tuple[str, int] | None, counted: str
) -> None:
    assert address_of(HTTPConnection({"type": "http", "client": client})) == counted


@pytest.mark.parametrize(
    ("seconds", "span"), [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (900, "15 minutes")]
)
def test_a_wait_is_shown_in_words(seconds: int, span: str) -> None:
    assert f"Wait {span}, then" in wait_sentence(seconds)


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
def test_over_https_the_cookie_is_never_sent_unencrypted(scheme: str, secure: bool) -> None:
    request = Request({"type": "http", "method": "POST", "scheme": scheme, "path": "/sign-in", "headers": []})
    session = NewSession(token="t" * 43, expires_at=datetime.now(UTC) + timedelta(hours=12))
    cookie = remember(request, session, "/stock").headers["set-cookie"].lower()
    assert ("; secure" in cookie) is secure
    assert "; httponly" in cookie
    assert "; samesite=lax" in cookie
    assert "; max-age=43" in cookie
