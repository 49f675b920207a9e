"""Strangers who guess passwords, and a proxy that nobody named, seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
import streamlit as st
from starlette.requests import HTTPConnection

from dashboard.door import proxy
from dashboard.settings import health
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.people import PASSWORD, new_person
from tests.support.servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[tuple[str, Shop]]:
    for shop in open_fresh(embedded):
        with serve(shop.app_url) as url:
            yield url, shop


def enter(browser: httpx.Client, email: str, password: str = PASSWORD) -> int:
    return browser.post("/sign-in", data={"email": email, "password": password}).status_code


def test_a_strangers_thirty_wrong_passwords_do_not_lock_out_a_browser_that_signed_in_before(
    desk: tuple[str, Shop],
) -> None:
    url, shop = desk
    emails = [new_person(shop) for _ in range(6)]
    headers = {"origin": url, "accept": "text/html"}
    with ExitStack() as open_:
        wanda, stranger = (open_.enter_context(httpx.Client(base_url=url, headers=headers, timeout=30)) for _ in "ab")
        assert enter(wanda, emails[0]) == 303
        assert wanda.cookies["stockroom_browser"]
        assert wanda.post("/sign-out").status_code == 303
        assert {enter(stranger, email, "a wrong guess") for email in emails for _ in range(5)} == {401}
        assert enter(stranger, emails[1]) == 429, "the address is full"
        assert enter(wanda, emails[0]) == 303
        assert wanda.get("/stock").status_code == 200
        wanda.cookies.clear()
        assert enter(wanda, emails[0]) == 429, "without its cookie it is a stranger"


def request(**headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw, "client": ("172.18.0.2", 1)})


@pytest.fixture
def _nothing_noticed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(proxy, "_noticed", None)
    proxy._none_is_named.cache_clear()
    yield
    proxy._none_is_named.cache_clear()


@pytest.mark.usefixtures("_nothing_noticed")
def test_a_proxy_that_is_not_named_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(st, "warning", lambda text, **_: shown.append(text))
    monkeypatch.delenv("STOCKROOM_TRUSTED_PROXIES", raising=False)
    proxy.notice(request(accept="text/html"))
    health._show_proxy(proxy.unnamed())
    assert (shown, caplog.messages) == ([], [])
    for _ in range(3):
        proxy.notice(request(x_forwarded_for="9.9.9.9"))
    health._show_proxy(proxy.unnamed())
    assert len(caplog.messages) == len(shown) == 1
    assert "a proxy at 172.18.0.2" in caplog.messages[0]
    assert "172" in shown[0]


@pytest.mark.usefixtures("_nothing_noticed")
def test_a_named_proxy_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKROOM_TRUSTED_PROXIES", "172.18.0.2")
    proxy.notice(request(x_forwarded_for="9.9.9.9"))
    assert proxy.unnamed() is None
