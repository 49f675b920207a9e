"""Hostile texts in requests to the routes beside Streamlit: none stops them, leads away, or comes back as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest

from core.people import administration as people
from core.people import api_keys
from core.people.api_keys import Scope
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.outside.texts import HOSTILE, UNSTORABLE
from tests.support.people import PASSWORD, id_of, new_person
from tests.support.servers import Server

pytestmark = pytest.mark.slow

TEXTS = [quote(text.encode("utf-8", "surrogatepass"), safe="") for text in (*HOSTILE, *UNSTORABLE)]
TEXTS += ["%ff%fe", "%C0%80", "%E2%28%A1", "%", "%zz", "..%2f..%2fetc%2fpasswd", "%2e%2e/", "%0d%0aSet-Cookie:%20x=1"]
OPEN = (
    "/sign-in?next={}", "/welcome?token={}", "/welcome?token=a&next={}", "/healthz?{}", "/readyz?x={}", "/{}",
    "/api/{}",
)  # fmt: skip
INSIDE = (
    "/download/{}", "/download/{}.csv", "/picture/{}", "/scan/search?q={}", "/scan/state?{}", "/scan/files/{}/x.js",
    "/scan/files/1/{}", "/stock?sku={}", "/{}/stock", "/password?next={}", "/sign-out?next={}", "/metrics?{}",
)  # fmt: skip
API = (
    "/api/levels?sku={}",
    "/api/levels?since={}",
    "/api/levels?id={}",
    "/api/levels?limit={}",
    "/api/reservations/{}",
)
_MARKUP = re.compile(r"<script>alert|<img src=x|<svg onload|<a href=https?://evil|onmouseover='alert")


@pytest.fixture(scope="module")
def shop(embedded: Server) -> Iterator[Shop]:
    """A shop of its own."""
    yield from open_fresh(embedded)


@pytest.fixture(scope="module")
def url(shop: Shop) -> Iterator[str]:
    """Its dashboard."""
    with serve(shop.app_url) as url:
        yield url


@pytest.fixture
def visitor(url: str) -> Iterator[httpx.Client]:
    """A browser that nobody has signed in with."""
    with httpx.Client(base_url=url, headers={"origin": url, "accept": "text/html"}, timeout=30) as client:
        yield client


@pytest.fixture
def member(visitor: httpx.Client, shop: Shop) -> httpx.Client:
    """A browser in which an admin has signed in."""
    answer = visitor.post("/sign-in", data={"email": new_person(shop), "password": PASSWORD})
    assert answer.status_code == 303
    return visitor


def check(answer: httpx.Response) -> None:
    """Fail if an answer is a fault, leads to another machine, or has a hostile text as markup or header."""
    about = (str(answer.request.url), answer.status_code, answer.text[:300])
    assert answer.status_code < 500 or answer.status_code == 503, about
    assert "Traceback" not in answer.text, about
    here = urlsplit(str(answer.request.url)).netloc
    to = urljoin(str(answer.request.url), answer.headers.get("location", ""))
    assert urlsplit(to).netloc == here, about
    assert urlsplit(to).scheme == "http", about
    assert "x=1" not in answer.headers.get("set-cookie", ""), about
    if "html" in answer.headers.get("content-type", ""):
        assert not _MARKUP.search(answer.text), about


@pytest.mark.parametrize("route", OPEN)
def test_what_a_stranger_asks_for_is_answered(visitor: httpx.Client, route: str) -> None:
    for text in TEXTS:
        check(visitor.get(route.format(text)))


@pytest.mark.parametrize("route", INSIDE)
def test_what_a_member_asks_for_is_answered(member: httpx.Client, route: str) -> None:
    for text in TEXTS:
        check(member.get(route.format(text)))


@pytest.mark.parametrize("name", ["email", "password", "next", "token", "name"])
def test_what_a_stranger_types_is_answered(visitor: httpx.Client, shop: Shop, name: str) -> None:
    usual = {"email": "sam@shop.example", "password": "wrong", "next": "/stock", "token": "a"}
    for path in ("/sign-in", "/welcome", "/password"):
        for text in TEXTS[::4]:
            shop.sql("delete from stockroom.sign_in_attempts")  # or most would be refused for their number
            others = (f"{key}={quote(value)}" for key, value in usual.items() if key != name)
            form = "&".join([f"{name}={text}", *others])
            sent = {"content-type": "application/x-www-form-urlencoded"}
            answer = visitor.post(path, content=form, headers=sent)
            assert answer.status_code != 429
            check(answer)


def test_after_signing_in_nobody_is_led_away(visitor: httpx.Client, shop: Shop) -> None:
    email = new_person(shop, password=None)
    for text in TEXTS:
        link = shop.run(people.make_link, user_id=id_of(shop, email))
        sent = {"content-type": "application/x-www-form-urlencoded"}
        answer = visitor.post("/welcome", content=f"token={link}&next={text}", headers=sent)
        assert answer.status_code == 303
        check(answer)


@pytest.mark.parametrize("route", API)
def test_what_a_program_asks_for_is_answered(visitor: httpx.Client, shop: Shop, route: str) -> None:
    key = shop.run(api_keys.make, "Ada", name=f"hostile {route}", scopes=list(Scope), rate_per_minute=6_000)
    for text in TEXTS:
        check(visitor.get(route.format(text), headers={"authorization": f"Bearer {key}"}))
        check(visitor.get(route.format("x"), headers={"authorization": f"Bearer {text or '-'}"}))


def test_what_a_program_sends_is_answered(visitor: httpx.Client, shop: Shop) -> None:
    key = shop.run(api_keys.make, "Ada", name="hostile bodies", scopes=list(Scope), rate_per_minute=6_000)
    sent = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for text in (*HOSTILE, *UNSTORABLE):
        said = json_of(text)
        for path, body in (
            ("/api/stock/validate", f'{{"items": [{{"sku": {said}, "quantity": 1}}]}}'),
            ("/api/reservations", f'{{"items": [{{"sku": {said}, "quantity": 1}}], "reference": {said}}}'),
            (
                "/api/stripe/create-payment-intent",
                f'{{"cart_id": {said}, "items": [{{"sku": {said}, "quantity": 1}}]}}',
            ),
            ("/api/orders/create-from-payment", f'{{"payment_intent_id": {said}}}'),
            ("/api/stock/validate", f"{{{said}: {said}}}"),
        ):
            check(visitor.post(path, content=body, headers=sent | {"idempotency-key": "hostile"}))


def json_of(text: str) -> str:
    """The text in JSON, with everything that is not plain ASCII escaped, halves of characters too."""
    return json.dumps(text)
