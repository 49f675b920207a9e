"""The gate: who may pass, the answer to everybody else, and where the sign-in form may redirect."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.foundation.errors import Unavailable
from core.foundation.model import Actor, Role
from core.people.accounts import SignedIn
from dashboard.door.gate import OPEN_PATHS, SIGNED_IN, AuthGate, safe_next, same_origin, sign_in_path

ADA = SignedIn(
    actor=Actor(name="Ada", role=Role.ADMIN, user_id=1, session_id=1),
    has_password=True,
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)
DATA = b"12 pairs on hand"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def find_session(token: str) -> SignedIn | None:
    if token == "broken":
        raise Unavailable
    if token == "begins":
        return replace(ADA, start="stock?view=7&stk_status=Low")
    return ADA if token == "good" else None


async def the_shop(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": DATA})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": DATA})


class Answer:
    """The answer of the gate."""

    def __init__(self, messages: list[Any], scope: dict[str, Any]) -> None:
        self.messages = messages
        self.scope = scope
        self.status = messages[0].get("status")
        self.headers = {k.decode(): v.decode() for k, v in messages[0].get("headers", [])}
        self.body = b"".join(message.get("body", b"") for message in messages)


def ask(
    path: str, *, method: str = "GET", kind: str = "http", query: str = "", cookie: str = "", **headers: str
) -> Answer:
    headers = {"host": "shop.example", **({"cookie": cookie} if cookie else {}), **headers}
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
        "scheme": "http",
    }
    if kind == "http":
        scope["method"] = method
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request"}

    asyncio.run(AuthGate(the_shop, find_session, find_hosts)(scope, receive, send))
    return Answer(messages, scope)


async def find_hosts() -> tuple[str, ...]:
    return ("cdn.shop.example",)


def test_a_page_may_load_pictures_from_the_hosts_of_the_shops_own_pictures_and_from_no_other() -> None:
    page = ask("/stock", cookie="stockroom_session=good", **PAGE).headers["content-security-policy"]
    assert "img-src 'self' https://cdn.shop.example data: blob:;" in page
    assert page.count("https://") == 1
    for path, more in (("/stock", PAGE), ("/_stcore/health", {})):  # a stranger, and a part of a page
        policy = ask(path, **more).headers["content-security-policy"]
        assert "img-src 'self' data: blob:;" in policy


# ---------------------------------------------------------------- strangers


@pytest.mark.parametrize("path", ["/", "/stock", "/movements", "/settings", "/account", "/password", "/no/such/page"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stranger_who_opens_a_page_is_sent_to_the_sign_in_form_and_sees_no_data(path: str, method: str) -> None:
    answer = ask(path, method=method, **PAGE)
    assert answer.status == 303
    assert answer.headers["location"] == sign_in_path(path)
    assert answer.body == b""


def test_the_sign_in_form_leads_back_to_the_deep_link_with_its_filters() -> None:
    answer = ask("/stock", query="q=oak%20panel&status=low", **PAGE)
    assert answer.headers["location"] == "/sign-in?next=/stock%3Fq%3Doak%2520panel%26status%3Dlow"


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/stream",
        "/_stcore/health",
        "/_stcore/host-config",
        "/stock/_stcore/health",
        "/_stcore/upload_file/a/b",
        "/_stcore/agent/interact",
        "/media/0123.csv",
        "/static/js/index.js",
        "/component/x/index.html",
        "/app/static/logo.svg",
        "/api",
        "/api/v1/levels",
        "/auth/login",
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_a_stranger_gets_401_for_anything_but_a_page(path: str, accept: str) -> None:
    answer = ask(path, accept=accept)
    assert answer.status == 401
    assert DATA not in answer.body


def test_a_program_with_a_key_reaches_the_api_and_nothing_else() -> None:
    assert ask("/api/stock/validate", method="POST", authorization="Bearer stk_anything").status == 200
    assert ask("/api/openapi.json").status == 200
    assert ask("/stock", authorization="Bearer stk_anything", accept="*/*").status in (303, 401)
    assert ask("/apix/stock", authorization="Bearer stk_anything", accept="application/json").status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_stranger_who_sends_something_gets_401(method: str) -> None:
    assert ask("/stock", method=method, **PAGE).status == 401


def test_a_program_that_asks_for_a_page_as_data_gets_401() -> None:
    assert ask("/stock", accept="application/json").status == 401
    assert ask("/stock", sec_fetch_dest="empty", **PAGE).status == 401


def test_a_strangers_websocket_is_refused_before_it_is_accepted() -> None:
    for path in ("/_stcore/stream", "/stock/_stcore/stream", "/", "/sign-in", "/healthz"):
        answer = ask(path, kind="websocket", origin="http://shop.example")
        assert [message["type"] for message in answer.messages] == ["websocket.close"]


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_the_open_paths_are_public(path: str) -> None:
    assert ask(path).status == 200


@pytest.mark.parametrize(
    "path",
    ["/sign-in/", "/sign-in/../stock", "/Sign-In", "/healthz/x", "/sign-in;x", "//sign-in", "/sign-in%2f..%2fstock"],
)
def test_nothing_but_the_open_paths_is_public(path: str) -> None:
    assert ask(path).status in (303, 401)


@pytest.mark.parametrize(
    "cookie",
    [
        "stockroom_session=",
        "stockroom_session",
        "stockroom_session=bad; stockroom_session=worse",
        "=;;;=;",
        "stockroom_session=\xe9\xff\x01",
        "x" * 20_000,
        'stockroom_session="good',
        "Stockroom_Session=good",
        "stockroom_session=good%00",
    ],
)
def test_an_invalid_cookie_signs_nobody_in(cookie: str) -> None:
    assert ask("/stock", cookie=cookie, **PAGE).status == 303


# ---------------------------------------------------------------- people


def test_a_signed_in_person_gets_through_and_is_named_to_what_comes_after() -> None:
    answer = ask("/stock", cookie="stockroom_session=good", **PAGE)
    assert answer.body == DATA
    assert answer.scope[SIGNED_IN] is ADA


def test_a_signed_in_persons_websocket_gets_through() -> None:
    for origin in ({"origin": "http://shop.example"}, {"origin": "https://SHOP.example"}, {}):
        answer = ask("/_stcore/stream", kind="websocket", cookie="stockroom_session=good", **origin)
        assert answer.messages[0]["type"] == "websocket.accept"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://shop.example.evil.example", "null", "", "http://["])
def test_another_site_cannot_use_a_persons_cookie(origin: str) -> None:
    websocket = ask("/_stcore/stream", kind="websocket", cookie="stockroom_session=good", origin=origin)
    assert [message["type"] for message in websocket.messages] == ["websocket.close"]
    for path in ("/_stcore/upload_file/a/b", "/sign-out", "/sign-in"):
        assert ask(path, method="POST", cookie="stockroom_session=good", origin=origin).status == 403


def test_without_the_database_nobody_gets_in_and_the_answer_says_to_wait() -> None:
    answer = ask("/stock", cookie="stockroom_session=broken", **PAGE)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert ask("/_stcore/stream", kind="websocket", cookie="stockroom_session=broken").messages[0]["type"] == (
        "websocket.close"
    )


def test_every_answer_forbids_requests_to_other_hosts() -> None:
    for answer in (ask("/stock", **PAGE), ask("/sign-in"), ask("/stock", cookie="stockroom_session=good")):
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


# ---------------------------------------------------------------- the way back


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/stock",
        "/stock?q=oak&page=3",
        "/stock?next=//evil.example",
        "/stock?q=%2F%2Fx",
        "/a/b/c",
        "/stock?q=%C3%A9",
    ],
)
def test_the_way_back_is_a_page_of_this_site(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "stock",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "/stock\\..\\..",
        "https://evil.example",
        "https:evil.example",
        "http:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "%2f%2fevil.example",
        "/%2f%2fevil.example",
        "/%2fevil.example",
        "/%252f%252fevil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/\tevil",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/%0d%0aSet-Cookie:a=b",
        "/\x00",
        "/%00",
        "/stock x",
        " /stock",
        "/é",
        "/..//evil.example",
        "/stock//evil.example",
        "/sign-in",
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/sign-out/",
        "/welcome?token=x",
        "/%73ign-out",
        "/_stcore/stream",
        "/" + "x" * 2_001,
    ],
)
def test_any_other_way_back_leads_to_the_start_page(path: str | None) -> None:
    assert safe_next(path) == "/"


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://shop.example", "shop.example", True),
        ("https://shop.example:8443", "shop.example:8443", True),
        ("http://[::1]:8501", "[::1]:8501", True),
        ("http://shop.example:8501", "shop.example", False),
        ("http://user@shop.example", "shop.example", False),
        ("http://shop.example.evil.example", "shop.example", False),
        ("file://shop.example", "shop.example", False),
        ("null", "shop.example", False),
        (None, "shop.example", False),
        ("http://shop.example", None, False),
        ("http://[", "[", False),
    ],
)
def test_the_origin_must_be_the_very_host(origin: str | None, host: str | None, same: bool) -> None:
    assert same_origin(origin, host) is same


@pytest.mark.parametrize(
    ("person", "path", "query", "target"),
    [
        ("begins", "/", "", "/stock?view=7&stk_status=Low"),
        ("begins", "/", "ovw_days=30+days", "/overview?ovw_days=30+days"),
        ("begins", "/overview", "ovw_days=30+days", None),
        ("begins", "/stock", "", None),
        ("good", "/", "", None),
        ("good", "/overview", "ovw_days=30+days", "/?ovw_days=30+days"),
    ],
)
def test_the_root_leads_to_the_page_on_which_a_person_begins_and_overview_stays_reachable(
    person: str, path: str, query: str, target: str | None
) -> None:
    answer = ask(path, query=query, cookie=f"stockroom_session={person}", **PAGE)
    assert (answer.status, answer.headers.get("location")) == ((303, target) if target else (200, None))
    assert ask(path, query=query, cookie=f"stockroom_session={person}", accept="application/json").status == 200
