"""An order whose cart has several readings, as the importer tells it, and a person who chooses one of them."""

from __future__ import annotations

import uuid
from typing import Any

from core.carts.mapping import CartMapping, Layout
from core.orders import readings
from core.orders.readings import Choices
from tests.support.builders import Shop, key
from tests.support.selling import Sale, order_id, sell

MAPPING = CartMapping(layout=Layout.PACKED, key="cart", code="1", quantity="2", field_separator="|", line_separator=";")


def reading(shop: Shop, *lines: tuple[str, int], amount: int | None = 1000, **more: Any) -> dict[str, Any]:
    """A reading as it is kept with its order. A code is the SKU of a variant, or unknown."""
    found: list[dict[str, Any]] = []
    for code, quantity in lines:
        variant = shop.sql("select id from public.product_variants where sku = :code", code=code)
        found.append({"code": code, "codes": [], "size": None, "name": None, "quantity": quantity, "unit_price": None,
                      "variant_id": variant and str(variant), "sku": variant and code})  # fmt: skip
    return {"how": "code, quantity", "why": None, "source": "payment metadata", "mapping": None, "amount": amount,
            "lines": found, **more}  # fmt: skip


class Unread:
    """An order whose cart can be read as one pair or as three."""

    def __init__(self, shop: Shop, **more: Any) -> None:
        self.shop, self.sku = shop, f"R-{uuid.uuid4().hex[:10].upper()}"
        self.shoe = shop.variant(10, sku=self.sku)
        self.one = reading(shop, (self.sku, 1), mapping=MAPPING.to_json())
        self.three = reading(shop, (self.sku, 3), how="code, size, quantity")
        told = {"cart_state": "unreadable", "why": "its cart can be read in 2 ways", "amount": 1000,
                "readings": [self.one, self.three], "extras": None} | more  # fmt: skip
        self.sale = Sale(lines=[], more=told)
        sell(shop, self.sale)
        self.order_id = order_id(shop, self.sale)

    def seen(self, name: str = "Sam") -> Choices:
        found: Choices = self.shop.run(readings.choices, name, order_id=self.order_id)
        return found

    def take(self, place: int, name: str = "Sam", seen: Choices | None = None, **more: Any) -> Any:
        chosen = (seen or self.seen(name)).readings[place]
        return self.shop.run(readings.take, name, **{"order_id": self.order_id, "reading": chosen, "key": key()} | more)
