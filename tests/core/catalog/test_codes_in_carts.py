"""What carts, orders and files name by a code of a variant arrives, and what is not certain waits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core.catalog import codes
from core.ledger import bulk
from core.orders import reads as orders
from core.orders.filter import OrderFilter
from core.orders.nearest import nearest
from tests.conftest import open_fresh
from tests.support.builders import Shop, key
from tests.support.selling import Sale, sell, states
from tests.support.servers import Server

TAKEN = ("taken", None, 1, 0)
WAITS = ("failed", "unknown_variant", 0, 0)


@pytest.fixture(scope="module")
def counter(server: Server) -> Iterator[Shop]:
    """A shop with one shoe that has every kind of code, and two variants that share one."""
    for shop in open_fresh(server):
        shoe = shop.variant(
            50, sku="TR\N{EN DASH}42", barcode="0036000291452", product="Lauf\N{NO-BREAK SPACE}schuh", size="42"
        )
        for code, kind, units in (
            ("SUP-9", "supplier", 1),
            ("4006381333931", "ean", 1),
            ("14006381333938", "carton", 12),
        ):
            shop.run(codes.attach, "Wanda", variant_id=shoe, code=code, kind=kind, units=units, key=key())
        for sku in ("TWIN-1", "TWIN-2"):
            shop.variant(9, sku=sku, barcode=("00000017", "0000000000017")[sku == "TWIN-2"])
        yield shop


@pytest.mark.parametrize("way", ["alone", "with another order of this buyer"])
def test_a_cart_may_name_any_code_in_any_writing_but_nothing_shared_and_no_carton(counter: Shop, way: str) -> None:
    buyer = {} if way == "alone" else {"email": "anna@buyer.example"}  # the everyday path, or the general one
    for code in ("TR-42", "036000291452", "00036000291452", "SUP\N{HYPHEN}9", "04006381333931", "tr-42"):
        sale = Sale(lines=[(code, 1)], more=buyer)
        sell(counter, sale)
        assert states(counter, sale) == [TAKEN], code
    for code in ("14006381333938", "000000000017", "00000017", "sup-9"):
        sale = Sale(lines=[(code, 1)], more=buyer)
        sell(counter, sale)
        assert states(counter, sale) == [WAITS], code


def test_a_name_in_other_letters_a_search_and_a_file_find_it_too(counter: Shop) -> None:
    asked = '[{"code": "lauf schuh", "size": "42", "currency": "usd", "digits": 2}]'
    with counter.owner.begin() as connection:
        (named,) = connection.execute(
            text("select * from stockroom_api.name_codes(cast(:asked as jsonb))"), {"asked": asked}
        )
    assert (named.sku, named.by_name) == ("TR\N{EN DASH}42", True)
    for typed in ("036000291452", "(01)04006381333931", "SUP-9", "tr\N{NON-BREAKING HYPHEN}42", "lauf schuh"):
        near = counter.run(nearest, "Sam", text=typed)
        assert near[0].sku == "TR\N{EN DASH}42", typed
    sale = Sale(lines=[("SUP-9", 1)])
    sell(counter, sale)
    found = counter.run(orders.page, "Sam", filter=OrderFilter(search="00036000291452")).rows
    assert sale.payment_id in {row.payment_id for row in found}
    file = b"sku,change\n036000291452,2\nSUP-9,1\n14006381333938,1\n00000017,1\n"
    rows = counter.run(bulk.preview, "Wanda", content=file, file_name="b.csv").rows
    assert [(row.variant and row.variant.sku, row.problem and row.problem.why) for row in rows] == [
        ("TR\N{EN DASH}42", None),
        ("TR\N{EN DASH}42", "is also on line 2"),
        (None, "is not in the catalogue"),
        (None, "is not in the catalogue"),
    ]


def test_a_storefront_names_a_variant_by_a_code_in_place_of_its_sku(counter: Shop) -> None:
    items = json.dumps([{"sku": sku, "quantity": 1} for sku in ("036000291452", "14006381333938", "00000017")])
    with counter.owner.begin() as connection:
        found = connection.execute(
            text("select sku, variant_id from stockroom_api.cart_items(cast(:items as jsonb))"), {"items": items}
        )
        assert [(row.sku, row.variant_id is not None) for row in found] == [
            ("TR\N{EN DASH}42", True), ("14006381333938", False), ("00000017", False),
        ]  # fmt: skip
