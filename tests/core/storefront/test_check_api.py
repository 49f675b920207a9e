"""`python -m core check-api`: the requests of a storefront to a running server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from core import __main__ as core_main
from core.foundation.errors import Unavailable
from core.people import api_keys
from core.people.api_keys import Scope
from core.storefront import api_check
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def living(embedded: Server) -> Iterator[tuple[Shop, str]]:
    """A shop that is open, and its address."""
    shop = Shop.open(embedded.url(user="stockroom_app"), embedded.owner_url)
    with serve(shop.app_url) as url:
        yield shop, url
    shop.close()


def key_for(shop: Shop, *scopes: Scope) -> str:
    return str(shop.run(api_keys.make, "Ada", name="Check", scopes=scopes or tuple(Scope)))


def sku_of(shop: Shop, on_hand: int) -> str:
    return str(shop.sql("select sku from product_variants where id = :id", id=shop.variant(on_hand)))


def active(shop: Shop, sku: str) -> int:
    return int(shop.sql("select reserved_quantity from product_variants where sku = :sku", sku=sku))


def test_every_question_is_answered_and_nothing_stays_held(
    living: tuple[Shop, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, url = living
    sku = sku_of(shop, 3)
    monkeypatch.setenv("STOCKROOM_API_KEY", key_for(shop))
    assert core_main.main(["check-api", url, "--sku", sku]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line[:5].strip() for line in said] == ["ok"] * 7
    assert said[-2] == "ok     one unit held, counted and released: available 3 -> 2 -> 3"
    assert said[-1] == "ok     levels can be read: 3 available"
    assert active(shop, sku) == 0
    assert shop.sql("select count(*) from stockroom.reservations where reference = 'check-api'") == 1


def test_a_key_that_lacks_a_scope_is_a_sentence(living: tuple[Shop, str]) -> None:
    shop, url = living
    *_, last = api_check.check_api(url, key=key_for(shop, Scope.VALIDATE), sku=sku_of(shop, 3))
    assert (last.title, last.holds) == ("one unit held, counted and released", False)
    assert "lacks the scope reserve" in last.said


def test_an_unknown_key_and_a_sku_out_of_stock_are_reported(living: tuple[Shop, str]) -> None:
    shop, url = living
    *_, last = api_check.check_api(url, key="stk_forgotten", sku=sku_of(shop, 3))
    assert last.title == "enough is valid"
    assert "401 instead of 200" in last.said
    *_, last = api_check.check_api(url, key=key_for(shop), sku=sku_of(shop, 0))
    assert "Name a SKU of which there is at least one." in last.said


def test_what_was_held_is_released_when_the_check_fails_in_the_middle(
    living: tuple[Shop, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, url = living
    sku, key = sku_of(shop, 3), key_for(shop)
    asked: list[int] = []

    def fails(self: api_check._Api) -> int:
        asked.append(active(shop, sku))
        if len(asked) == 3:
            raise Unavailable("Nobody answers.")
        return 3

    monkeypatch.setattr(api_check._Api, "available", fails)
    *_, last = api_check.check_api(url, key=key, sku=sku)
    assert (last.holds, asked) == (False, [0, 0, 1])
    assert active(shop, sku) == 0


def test_a_shop_that_does_not_answer_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert core_main.main(["check-api", url, "--key", "stk_x", "--sku", "A"]) == 1
    assert f"FAILS  health: No answer from {url} within 5 seconds." in capsys.readouterr().out
    monkeypatch.delenv("STOCKROOM_API_KEY", raising=False)
    assert core_main.main(["check-api", "ftp://x", "--key", "k", "--sku", "A"]) == 1
    assert core_main.main(["check-api", url, "--sku", "A"]) == 1
    assert "STOCKROOM_API_KEY" in capsys.readouterr().err
