"""Levels for programs: by id, by SKU, and all that changed since a cursor, of which concurrent commits lose nothing."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import text

from core.ledger import holds
from core.ledger.holds import Wanted
from core.people.api_keys import Scope
from core.storefront import levels as storefront_levels
from tests.core.storefront.test_api import Client, is_problem
from tests.support.builders import Shop, key, new_ean


@pytest.fixture
def client(fresh_shop: Shop) -> Client:
    return Client(fresh_shop, Scope.READ)


def walk(client: Client, since: str | None = None, limit: int = 2) -> tuple[dict[str, int], str]:
    """Read all pages, as a storefront does; return available units by SKU, and the cursor to go on from."""
    found: dict[str, int] = {}
    while True:
        asked = f"/levels?limit={limit}" + (f"&since={since}" if since else "")
        told = client.http.get(asked).json()
        found |= {each["sku"]: each["available"] for each in told["levels"]}
        since = told["cursor"]
        if not told["more"]:
            assert since is not None
            return found, since


def test_a_storefront_reads_what_is_left_and_nothing_of_money(client: Client) -> None:
    shop = client.shop
    shoe, boot = shop.variant(5, sku="SHOE", unit_cost=40), shop.variant(2, sku="BOOT", is_active=False)
    shop.run(holds.hold, items=[Wanted(variant_id=shoe, sku=None, quantity=2)], key=key(), reference="cart")
    answer = client.http.get(f"/levels?sku=SHOE&id={boot}&sku=UNKNOWN")
    assert {each["sku"]: each for each in answer.json()["levels"]} == {
        "SHOE": {"variantId": str(shoe), "sku": "SHOE", "available": 3, "isActive": True},
        "BOOT": {"variantId": str(boot), "sku": "BOOT", "available": 0, "isActive": False},
    }
    assert answer.headers["cache-control"] == "private, no-cache"
    again = {"If-None-Match": answer.headers["etag"]}
    same = client.http.request("GET", f"/levels?sku=SHOE&id={boot}&sku=UNKNOWN", headers=again)
    assert (same.status_code, same.content) == (304, b"")
    shop.adjust(shoe, -1)
    assert client.http.request("GET", "/levels?sku=SHOE", headers=again).json()["levels"][0]["available"] == 2
    is_problem(Client(shop, Scope.VALIDATE).http.get("/levels"), 403)
    is_problem(client.validate({"sku": "SHOE", "quantity": 1}), 403)
    for wrong in ("since=yesterday", "since=1.2.3", f"since=%00&sku=A&id={shoe}", "limit=0", "id=7"):
        is_problem(client.http.get(f"/levels?{wrong}"), 422)


def test_a_sku_is_found_for_its_level_as_in_a_cart(client: Client) -> None:
    ean = new_ean()
    client.shop.variant(5, sku="Trail-42", barcode=ean)
    for spelling in ("Trail-42", "trail-42", " Trail\N{EN DASH}42", ean):
        found = client.http.request("GET", "/levels?" + urlencode({"sku": spelling})).json()["levels"]
        assert [(each["sku"], each["available"]) for each in found] == [("Trail-42", 5)], spelling


def test_what_changed_since_a_cursor_has_sales_and_holds_made_released_and_expired(client: Client) -> None:
    shop = client.shop
    shoes = [shop.variant(5, sku=f"SHOE-{n}") for n in range(5)]
    everything, since = walk(client)
    assert everything == {f"SHOE-{n}": 5 for n in range(5)}
    assert walk(client, since)[0] == {}

    def hold(variant: UUID) -> Any:
        return shop.run(holds.hold, items=[Wanted(variant_id=variant, sku=None, quantity=1)], key=key())

    shop.adjust(shoes[0], -2)
    first, second = hold(shoes[1]), hold(shoes[2])
    found, since = walk(client, since)
    assert found == {"SHOE-0": 3, "SHOE-1": 4, "SHOE-2": 4}
    shop.run(holds.release, reservation_id=first.reservation_id)
    shop.sql("update stockroom.reservations set expires_at = now() where id = :id", id=second.reservation_id)
    shop.run(holds.expire, limit=10)
    assert walk(client, since)[0] == {"SHOE-1": 5, "SHOE-2": 5}


def test_a_cursor_of_another_server_begins_again_with_every_level(client: Client) -> None:
    client.shop.variant(5, sku="SHOE")
    _, since = walk(client)
    mark, floor, begun = since.split(".")
    assert walk(client, since)[0] == {}
    for strange in (f"{'0' * 12}.{floor}.{begun}", f"{mark}.1.{int(begun) + 10**9}"):
        assert walk(client, strange)[0] == {"SHOE": 5}


def test_a_change_that_commits_after_a_later_one_is_not_lost(client: Client) -> None:
    shop = client.shop
    early, late = shop.variant(5, sku="EARLY"), shop.variant(5, sku="LATE")
    _, since = walk(client)
    with shop.owner.connect() as slow:
        slow.execute(text("update product_variants set reserved_quantity = 1 where id = :id"), {"id": early})
        shop.adjust(late, -1)  # begins later, commits first
        found, since = walk(client, since)
        assert found == {"LATE": 4}
        slow.commit()
    assert walk(client, since)[0]["EARLY"] == 4


def test_a_reader_among_writers_ends_with_every_level(client: Client) -> None:
    shop = client.shop
    variants = [shop.variant(100, sku=f"V-{n}") for n in range(6)]
    done = threading.Event()
    seen: dict[str, int] = {}

    def sell(turn: int) -> None:
        for n in range(12):
            shop.adjust(variants[(n * (turn + 1)) % 6], -1)

    def follow() -> None:
        since: str | None = None
        while True:
            is_over, more = done.is_set(), True  # the last walk begins after the last sale
            while more:
                page = shop.run(storefront_levels.read, wanted=storefront_levels.Wanted(since=since, limit=2))
                seen.update({each.sku: each.available for each in page.levels})
                since, more = page.cursor, page.more
            if is_over:
                return

    reader = threading.Thread(target=follow)
    shop.person("Wanda")
    threads = [threading.Thread(target=sell, args=(turn,)) for turn in range(4)]
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert seen == {f"V-{n}": shop.on_hand(variant) for n, variant in enumerate(variants)}
    assert sum(seen.values()) == 600 - 48
