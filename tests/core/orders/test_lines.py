"""Lines by hand: an unread cart becomes an order's lines, and lines that were read wrong are put right."""

from __future__ import annotations

from typing import Any

from core.orders import lines
from core.orders.lines import Changed, Entered
from tests.support.builders import Shop, key
from tests.support.selling import Sale, cases, order_id, sell, states

UNREAD = {"cart_state": "unreadable", "cart_raw": "{[", "why": "it is cut", "extras": None}


def unread(shop: Shop, amount: int = 2000, **more: Any) -> tuple[Sale, int]:
    sale = Sale(lines=[], more={"amount": amount, **UNREAD, **more})
    sell(shop, sale)
    return sale, order_id(shop, sale)


def enter(shop: Shop, order: int, *entered: Entered, actor: str = "Sam", **more: Any) -> Changed:
    values = {"seen": shop.run(lines.seen, order_id=order), "key": key()} | more
    done: Changed = shop.run(lines.set_lines, actor, order_id=order, lines=entered, **values)
    return done


def test_support_enters_the_lines_of_an_unread_cart(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale, order = unread(shop)
    done = enter(shop, order, Entered(variant_id=shoe, quantity=2, unit_price=1000))
    assert (done.went, done.came_back, done.open_lines, done.difference) == (2, 0, 0, 0)
    assert shop.on_hand(shoe) == 3
    assert states(shop, sale) == [("taken", None, 2, 0)]
    assert cases(shop, sale) == [("unreadable_cart", "resolved", 0)]
    movement = shop.history(shoe)[-1]
    assert (movement.movement_type, movement.reason, movement.performed_by) == ("sale", "stock_decrease", "Sam")
