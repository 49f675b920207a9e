"""Behind a proxy: its headers count, and those a visitor sends do not."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from core.foundation.settings import load_settings
from dashboard.__main__ import configuration
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.people import PASSWORD, new_person
from tests.support.servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_shop(embedded: Server) -> Iterator[Shop]:
    yield from open_fresh(embedded)


@pytest.fixture(scope="module")
def proxied(own_shop: Shop) -> Iterator[str]:
    """A dashboard that trusts the proxy on its own machine, and a second one before that."""
    with serve(own_shop.app_url, trusted_proxies="127.0.0.1, 10.0.0.0/8") as url:
        yield url


@pytest.fixture(scope="module")
def direct(own_shop: Shop) -> Iterator[str]:
    """A dashboard without a trusted proxy."""
    with serve(own_shop.app_url) as url:
        yield url


def sign_in(url: str, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    sent = {"origin": url} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{url}/sign-in", data={"email": email, "password": password}, headers=sent, timeout=20)


def counted_for(shop: Shop, email: str) -> set[str]:
    """The addresses for which attempts to sign in to an account were counted."""
    query = "select distinct address from stockroom.sign_in_attempts where email = :email"
    return {row.address for row in shop.rows(query, email=email)}


def test_without_a_trusted_proxy_a_local_caller_cannot_fake_an_address(direct: str, own_shop: Shop) -> None:
    email = new_person(own_shop)
    for number in range(5):
        said = sign_in(direct, email, "wrong", x_forwarded_for=f"203.0.113.{number}", x_forwarded_proto="https")
        assert said.status_code == 401
    assert counted_for(own_shop, email) == {"127.0.0.1"}
    assert sign_in(direct, email, x_forwarded_for="203.0.113.9").status_code == 429


def test_unless_a_proxy_is_named_the_cookie_is_that_of_plain_http(direct: str, own_shop: Shop) -> None:
    own_shop.sql("delete from stockroom.sign_in_attempts")
    cookie = sign_in(direct, new_person(own_shop), x_forwarded_proto="https").headers["set-cookie"]
    assert "; secure" not in cookie.lower()


def test_a_named_proxy_says_who_comes_and_that_it_speaks_https(proxied: str, own_shop: Shop) -> None:
    email = new_person(own_shop)
    answer = sign_in(proxied, email, x_forwarded_for="203.0.113.7", x_forwarded_proto="https")
    assert answer.status_code == 303
    assert "; secure" in answer.headers["set-cookie"].lower()
    assert counted_for(own_shop, email) == {"203.0.113.7"}


def test_behind_a_trusted_proxy_a_visitor_cannot_fake_an_address(proxied: str, own_shop: Shop) -> None:
    """Each proxy appends the address it saw; everything before the first untrusted address was sent by that client."""
    email = new_person(own_shop)
    sign_in(proxied, email, x_forwarded_for="198.51.100.1, 203.0.113.8, 10.1.2.3", x_forwarded_proto="https")
    assert counted_for(own_shop, email) == {"203.0.113.8"}


def test_over_plain_http_behind_a_named_proxy_the_cookie_still_comes_back(proxied: str, own_shop: Shop) -> None:
    cookie = sign_in(proxied, new_person(own_shop), x_forwarded_for="203.0.113.7").headers["set-cookie"]
    assert "; secure" not in cookie.lower()


def test_a_proxy_is_known_by_any_spelling_of_its_address() -> None:
    """A server that also listens on IPv6 sees IPv4 clients under mapped addresses."""
    config = configuration(load_settings({"STOCKROOM_TRUSTED_PROXIES": "127.0.0.1"}))
    assert config.proxy_headers
    assert list(config.forwarded_allow_ips) == ["127.0.0.1/32", "::ffff:127.0.0.1/128"]
    assert not configuration(load_settings({})).proxy_headers
