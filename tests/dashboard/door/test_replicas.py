"""The pages with a real replica: they read from it, show a posting at once, and Settings says how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.database import pool, replicas, standby
from core.database.reading import is_read_only
from core.foundation.model import Line
from core.ledger import changes
from dashboard.door import session
from dashboard.frame import live
from tests.conftest import prepare
from tests.dashboard.tabs import Tabs, words_of
from tests.stripe.shop import Stripe
from tests.support.builders import Shop, key
from tests.support.servers import EMBEDDED_MAJOR
from tests.support.shared.standby import Standby, start_primary, start_standby

PAGES = ("overview", "stock", "movements", "counts", "deliveries", "orders", "alerts", "reconciliation", "reports")


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Shop, Standby]]:
    """A shop with an order on a primary, and its replica."""
    primary = start_primary(EMBEDDED_MAJOR)
    try:
        prepare(primary.owner_url)
        shop = Shop.open(primary.url(user="stockroom_app"), primary.owner_url)
        shop.variant(20, sku="A-1")
        stripe = Stripe(shop)
        stripe.pay("A-1", 30)
        stripe.webhook()
        stripe.work()
        follower = start_standby(primary)
        yield shop, follower
        shop.close()
        follower.server.stop()
    finally:
        primary.stop()


@pytest.fixture
def tabs(pair: tuple[Shop, Standby], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tabs]:
    """Tabs of the shop, whose process has the replica in its settings."""
    shop, follower = pair
    monkeypatch.setattr(pool, "engine", lambda *_: shop.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    monkeypatch.setenv("STOCKROOM_READ_URL", follower.url("stockroom"))
    monkeypatch.setattr(replicas, "PATIENCE", 20.0)
    replicas.close()
    yield Tabs(shop=shop, monkeypatch=monkeypatch)
    replicas.close()


def test_every_page_reads_from_the_replica(tabs: Tabs, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = dict[str, set[str]](), dict[str, set[str]]()
    answer = replicas.run

    def noted(primary: Any, operation: Any, *args: Any, **values: Any) -> Any:
        name = f"{operation.__module__}.{operation.__name__}".removeprefix("core.")
        (there if is_read_only(operation) else here).setdefault(page, set()).add(name)
        return answer(primary, operation, *args, **values)

    monkeypatch.setattr(replicas, "run", noted)
    for number, page in enumerate(PAGES):
        tabs.open("Ada", page)
        (found,) = replicas.standings(tabs.shop.engine)
        assert found.reads > number, page
    page = "variant"
    tabs.open("Ada", "stock", sku="A-1")
    assert replicas.incapable() == frozenset()
    assert {page for page in (*PAGES, "variant") if not there.get(page)} == set()
    assert "screens.stock.variant" in there["variant"]
    reads = {"screens.stock.overview", "screens.stock.stock_list", "screens.stock.ledger", "screens.orders.orders"}
    assert not reads & set().union(*here.values())


def test_wanda_sees_her_number_while_the_replica_is_frozen_and_ada_sees_that_it_is(
    tabs: Tabs, pair: tuple[Shop, Standby], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, follower = pair
    variant = shop.variant(731, sku="B-1")
    assert "731" in words_of(tabs.open("Wanda", "stock", sku="B-1"))
    assert "It has everything." in words_of(tabs.open("Ada", "settings", set_section="Health"))
    monkeypatch.setattr(replicas, "PATIENCE", 0.01)
    monkeypatch.setattr(standby, "SHORTEST_PAUSE", 0.05)
    follower.freeze()
    try:
        tabs.open("Wanda", "stock", sku="B-1")
        lines = [Line(variant_id=variant, quantity=-5)]
        session.run(changes.adjust, lines=lines, reason="stock_decrease", key=key())
        assert "726" in words_of(tabs.open("Wanda", "stock", sku="B-1"))
        said = words_of(tabs.open("Ada", "settings", set_section="Health"))
        assert "It is behind. The primary answers until it has caught up." in said
        assert str(follower.server.folder) not in said
    finally:
        follower.thaw()
