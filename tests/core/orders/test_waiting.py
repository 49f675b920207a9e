"""Buyers who wait for goods: first paid, first served, and sent with one click when the goods have arrived."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.alerts import handling
from core.foundation.errors import InvalidInput, StockError
from core.foundation.model import Line
from core.ledger import changes
from core.orders import cases as finishing
from core.orders import waiting
from core.orders.waiting import Awaited
from core.proof import checks
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, cases, line_of, order_id, sell, states, tell_refund


def buyers(shop: Shop, *wanted: int, on_hand: int = 0) -> tuple[Any, list[Sale]]:
    """Have buyers order units of a new variant, an hour apart, the first one first."""
    shoe = shop.variant(on_hand)
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    start = datetime.now(UTC) - timedelta(hours=len(wanted))
    sales = [
        Sale(lines=[(sku, units)], paid_at=start + timedelta(hours=n), more={"name": f"Buyer {n}"})
        for n, units in enumerate(wanted)
    ]
    for sale in sales:
        sell(shop, sale)
    return shoe, sales


def arrive(shop: Shop, shoe: Any, units: int) -> None:
    shop.run(changes.receive, "Wanda", lines=[Line(variant_id=shoe, quantity=units)], key=key())


def read(shop: Shop, shoe: Any) -> tuple[list[str], list[str]]:
    """Return the buyers whose units of a variant are here, and the others."""
    found: Awaited = shop.run(waiting.awaited, "Wanda")
    return tuple([str(row.buyer) for row in rows if row.variant_id == shoe] for rows in (found.here, found.missing))  # type: ignore[return-value]


def send(shop: Shop, *sales: Sale, who: str = "Wanda", **more: Any) -> Any:
    return shop.run(waiting.send, who, **{"order_ids": [order_id(shop, sale) for sale in sales], "key": key()} | more)


def resolve(shop: Shop, sale: Sale, *, buyers_wait: bool) -> None:
    why = "Wrote to the buyer"
    shop.run(handling.resolve, "Sam", alert_ids=[case_of(shop, sale)], reason=why, buyers_wait=buyers_wait)


def test_who_paid_first_gets_what_arrives_first(shop: Shop) -> None:
    shoe, (first, second, third) = buyers(shop, 2, 2, 1)
    assert read(shop, shoe) == ([], ["Buyer 0", "Buyer 1", "Buyer 2"])
    arrive(shop, shoe, 3)
    assert read(shop, shoe) == (["Buyer 0"], ["Buyer 1", "Buyer 2"])
    (moved,) = send(shop, first)
    assert (moved.quantity, shop.on_hand(shoe), states(shop, first)) == (-2, 1, [("taken", None, 2, 0)])
    assert cases(shop, first)[0][1] == "resolved"
    assert send(shop, second) == ()
    arrive(shop, shoe, 2)
    assert len(send(shop, third, second)) == 2
    assert (shop.on_hand(shoe), read(shop, shoe)) == (0, ([], []))


def test_a_buyer_waits_for_oversold_units_only_where_a_person_says_so(shop: Shop) -> None:
    shoe, (waits, gone) = buyers(shop, 1, 1)
    resolve(shop, waits, buyers_wait=True)
    resolve(shop, gone, buyers_wait=False)
    assert read(shop, shoe) == ([], ["Buyer 0"])
    arrive(shop, shoe, 2)
    assert len(send(shop, waits)) == 1
    assert (states(shop, waits), states(shop, gone)) == ([("taken", None, 1, 0)], [("resolved", None, 0, 1)])
    shop.run(waiting.set_awaited, "Sam", line_id=line_of(shop, gone), buyer_waits=True)
    assert read(shop, shoe) == (["Buyer 1"], [])
    shop.run(waiting.set_awaited, "Sam", line_id=line_of(shop, gone), buyer_waits=False)
    assert (read(shop, shoe), send(shop, gone)) == (([], []), ())
    assert shop.on_hand(shoe) == 1


def test_the_rest_of_a_partial_delivery_is_sent_later(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, (sale,) = buyers(shop, 3, on_hand=1)
    order = order_id(shop, sale)
    shop.run(finishing.ship_what_is_there, "Mia", order_id=order, note="Agreed", key=key(), buyer_waits=True)
    assert states(shop, sale) == [("resolved", None, 1, 2)]
    assert send(shop, sale) == ()
    assert states(shop, sale) == [("resolved", None, 1, 2)]
    arrive(shop, shoe, 2)
    (row,) = shop.run(waiting.awaited, "Wanda", order_id=order_id(shop, sale)).here
    assert (row.units, row.available, row.ahead) == (2, 2, 0)
    used = key()
    first = send(shop, sale, key=used)
    assert (len(first), send(shop, sale, key=used)) == (1, first)
    assert (states(shop, sale), shop.on_hand(shoe)) == ([("taken", None, 3, 0)], 0)
    assert all(check.holds for check in shop.run(checks.run_checks))
    shop.run(changes.undo, "Mia", movement_ids=[first[0].movement_id], note="Not sent", key=key())
    assert states(shop, sale) == [("failed", "undone", 1, 0)]


def test_nobody_waits_after_all_money_went_back(shop: Shop) -> None:
    shoe, (sale,) = buyers(shop, 1)
    resolve(shop, sale, buyers_wait=True)
    tell_refund(shop, sale)
    arrive(shop, shoe, 1)
    assert read(shop, shoe) == ([], [])
    assert (send(shop, sale), shop.on_hand(shoe)) == ((), 1)


def test_two_people_who_send_the_last_pair_send_it_once(shop: Shop) -> None:
    shoe, (first, second) = buyers(shop, 1, 1)
    arrive(shop, shoe, 1)
    with ThreadPoolExecutor(2) as people:
        sent = list(people.map(lambda each: send(shop, each[0], who=each[1]), ((first, "Wanda"), (second, "Sam"))))
    assert sorted(map(len, sent)) == [0, 1]
    assert shop.on_hand(shoe) == 0


def test_what_makes_no_sense_is_refused(shop: Shop) -> None:
    _, (sale,) = buyers(shop, 1)
    for ids in ([], [999_999_999] * 1 + list(range(600))):
        with pytest.raises(InvalidInput):
            shop.run(waiting.send, "Wanda", order_ids=ids, key=key())
    with pytest.raises(InvalidInput):
        shop.run(waiting.set_awaited, "Sam", line_id=line_of(shop, sale), buyer_waits=True)
    for who in ("Wanda", "Carl"):
        with pytest.raises(StockError):
            shop.run(waiting.set_awaited, who, line_id=line_of(shop, sale), buyer_waits=True)
