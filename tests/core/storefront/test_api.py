"""The storefront's HTTP API: keys and scopes, problem+json for refusals, and the rules of core behind it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy

from core.database.engine import create_engine
from core.people import api_keys
from core.people.api_keys import Scope
from core.storefront import doors
from core.storefront.api import create_api
from core.storefront.doors import LARGEST_BODY
from tests.support.asking import on_the_loop
from tests.support.builders import Shop
from tests.support.servers import Server


class Http:
    """HTTP without a network, straight into the application."""

    def __init__(self, app: Any, headers: dict[str, str] | None = None) -> None:
        self.transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.headers = headers or {}

    def request(self, method: str, path: str, **values: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self.transport, base_url="http://127.0.0.1", headers=self.headers
            ) as http:
                return await http.request(method, path, **values)

        return on_the_loop(ask())

    def post(self, path: str, **values: Any) -> httpx.Response:
        return self.request("POST", path, **values)

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)


class Client:
    """A storefront with a key."""

    def __init__(self, shop: Shop, *scopes: Scope, key: str | None = None, **options: Any) -> None:
        self.shop = shop
        key = key or shop.run(api_keys.make, "Ada", name="Web shop", scopes=scopes or tuple(Scope))
        self.http = Http(create_api(lambda: shop.engine, **options), {"Authorization": f"Bearer {key}"})

    def validate(self, *items: Any) -> httpx.Response:
        return self.http.post("/stock/validate", json={"items": list(items)})

    def hold(self, *items: Any, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post("/reservations", json={"items": list(items), **more}, headers=headers)


@pytest.fixture(scope="module")
def client(shop: Shop) -> Client:
    return Client(shop)


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["requestId"] == answer.headers["x-request-id"]
    assert told["detail"]
    return told


def test_a_cart_is_checked_in_the_words_of_the_storefront(client: Client) -> None:
    shoe = client.shop.variant(2, product="Halde Boot")
    good = client.validate({"id": "a", "variantId": str(shoe), "quantity": 2})
    assert good.status_code == 200
    assert good.json()["valid"] is True
    assert good.json()["verified"] is True
    bad = client.validate({"id": "a", "variantId": str(shoe), "quantity": 3}, {"productId": 5, "quantity": "x"}).json()
    assert bad["valid"] is False
    first, second = bad["issues"]
    assert first == {"itemId": "a", "code": "insufficient_stock", "message": "Only 2 of Halde Boot are left.",
                     "requested": 3, "availableStock": 2}  # fmt: skip
    assert second["code"] == "invalid_quantity"


def test_holding_extending_looking_and_releasing(client: Client) -> None:
    shoe = client.shop.variant(3)
    held = client.hold({"variantId": str(shoe), "quantity": 2}, reference="cart-7", ttl_seconds=60)
    assert held.status_code == 201
    path = f"/reservations/{held.json()['id']}"
    assert held.json()["lines"][0]["quantity"] == 2
    longer = client.http.request("PATCH", path, json={"ttl_seconds": 600})
    assert longer.json()["expiresAt"] > held.json()["expiresAt"]
    assert client.http.get(path).json()["state"] == "active"
    for _ in range(2):
        assert client.http.request("DELETE", path).json()["state"] == "released"
    is_problem(client.http.request("PATCH", path, json={"ttl_seconds": 600}), 410)
    is_problem(client.http.get(f"/reservations/{uuid4()}"), 410)


def test_a_cart_that_is_short_is_not_held_and_every_short_line_is_named(client: Client) -> None:
    shoe, sock = client.shop.variant(1), client.shop.variant(0)
    answer = client.hold({"variantId": str(shoe), "quantity": 2}, {"variantId": str(sock), "quantity": 1})
    told = is_problem(answer, 409)
    assert sorted((short["variant_id"], short["available"]) for short in told["short"]) == sorted(
        [(str(shoe), 1), (str(sock), 0)]
    )


def test_the_same_idempotency_key_is_the_same_hold_and_other_content_is_refused(client: Client) -> None:
    shoe, key = client.shop.variant(5), uuid4().hex
    first = client.hold({"variantId": str(shoe), "quantity": 2}, key=key)
    again = client.hold({"variantId": str(shoe), "quantity": 2}, key=key)
    assert first.json() == again.json()
    is_problem(client.hold({"variantId": str(shoe), "quantity": 3}, key=key), 409)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer stk_wrong"}, {"Authorization": "Basic abc"}])
def test_without_a_valid_key_every_request_is_refused(client: Client, header: dict[str, str]) -> None:
    stranger = Http(create_api(lambda: client.shop.engine), header)
    told = is_problem(stranger.post("/stock/validate", json={"items": [{}]}), 401)
    assert "stk_wrong" not in told["detail"]
    is_problem(stranger.get(f"/reservations/{uuid4()}"), 401)


def test_a_key_is_good_for_its_scopes_only(shop: Shop) -> None:
    checker = Client(shop, Scope.VALIDATE)
    shoe = shop.variant(1)
    assert checker.validate({"variantId": str(shoe), "quantity": 1}).status_code == 200
    is_problem(checker.hold({"variantId": str(shoe), "quantity": 1}), 403)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"items": []}',
        b'{"items": [5]}',
        b'{"items": "x"}',
        b"\xff\xfe",
        b'{"items": [{}]' * 5,
    ],
)
def test_an_invalid_request_gets_an_error_and_not_a_crash(client: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    is_problem(client.http.post("/stock/validate", content=body, headers=headers), 422)


def test_a_body_that_is_too_large_is_not_read(client: Client) -> None:
    is_problem(client.http.post("/stock/validate", content=b" " * (LARGEST_BODY + 1)), 413)


def test_a_request_keeps_the_id_its_sender_gave_it_if_that_is_harmless(client: Client) -> None:
    shoe = {"items": [{"variantId": str(client.shop.variant(1)), "quantity": 1}]}
    kept = client.http.post("/stock/validate", json=shoe, headers={"X-Request-Id": "cart-7.retry_2"})
    assert kept.headers["x-request-id"] == "cart-7.retry_2"
    replaced = client.http.post("/stock/validate", json=shoe, headers={"X-Request-Id": "x" * 200})
    assert len(replaced.headers["x-request-id"]) == 32


def test_with_the_database_away_a_cart_is_unverified_only_if_the_shop_chose_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shop.run(api_keys.make, "Ada", name="Web shop", scopes=tuple(Scope))
    away: list[sqlalchemy.Engine] = []

    def engine() -> sqlalchemy.Engine:
        return away[0] if away else shop.engine

    careful, bold = (Http(create_api(engine, sell_unverified=chosen), {"Authorization": f"Bearer {key}"})
                     for chosen in (False, True))  # fmt: skip
    cart = {"items": [{"variantId": str(shop.variant(1)), "quantity": 1}]}
    assert careful.post("/stock/validate", json=cart).json()["verified"] is True
    assert bold.post("/stock/validate", json=cart).json()["verified"] is True
    away.append(create_engine("postgresql://nobody@127.0.0.1:1/none"))
    is_problem(careful.post("/stock/validate", json=cart), 503)
    told = bold.post("/stock/validate", json=cart).json()
    assert (told["valid"], told["verified"]) == (True, False)
    is_problem(bold.post("/reservations", json={"items": [{"sku": "X", "quantity": 1}]}), 503)
    monkeypatch.setattr(doors, "_KNOWN_FOR", 0.0)  # long after the database was last asked whose key it is
    assert bold.post("/stock/validate", json=cart).json()["verified"] is False
    is_problem(careful.post("/stock/validate", json=cart), 503)
    bold.headers["Authorization"] = "Bearer stk_never_seen"
    is_problem(bold.post("/stock/validate", json=cart), 503)


def test_a_database_that_is_not_set_up_is_reported_with_the_next_step(server: Server) -> None:
    bare = create_engine(server.url("postgres"))
    http = Http(create_api(lambda: bare), {"Authorization": "Bearer stk_any"})
    answer = is_problem(http.post("/stock/validate", json={"items": [{"sku": "X", "quantity": 1}]}), 503)
    assert "the command `migrate`" in answer["detail"]
    bare.dispose()


def test_no_other_site_may_call_it_from_a_browser_unless_it_is_configured(shop: Shop) -> None:
    ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    closed = Http(create_api(lambda: shop.engine)).request("OPTIONS", "/stock/validate", headers=ask)
    assert "access-control-allow-origin" not in closed.headers
    opened = Http(create_api(lambda: shop.engine, allowed_origins=["https://shop.example"]))
    assert (
        opened.request("OPTIONS", "/stock/validate", headers=ask).headers["access-control-allow-origin"]
        == "https://shop.example"
    )
