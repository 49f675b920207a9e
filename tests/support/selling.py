"""Paid orders for tests, in the form in which the importer passes them to the database, and their results."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from core.carts.mapping import CartMapping, Layout
from core.database.engine import call
from core.foundation.model import Actor
from core.orders import readings
from core.orders.readings import Choices
from tests.support.builders import Shop, key


def payment_id() -> str:
    """Return the id of a new payment."""
    return f"pi_{uuid.uuid4().hex[:24]}"


@dataclass(kw_only=True)
class Sale:
    """A paid order: lines of (code, quantity), in the shop's words of the importer."""

    lines: list[tuple[str, int]]
    payment_id: str = field(default_factory=payment_id)
    paid_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    more: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The row that goes to the database."""
        lines = [{"code": code, "codes": [], "quantity": quantity, "unit_price": 1000} for code, quantity in self.lines]
        row: dict[str, Any] = {
            "payment_id": self.payment_id,
            "amount": 1000 * sum(quantity for _, quantity in self.lines),
            "currency": "usd",
            "paid_at": self.paid_at.isoformat(),
            "livemode": False,
            "policy": "normal",
            "cart_state": "read",
            "cart_source": "metadata",
            "lines": lines,
        }
        row |= self.more
        if any(line.get("unit_price") is None for line in row["lines"]):
            return {"extras": None} | row
        goods = sum(line["quantity"] * line["unit_price"] for line in row["lines"])
        return {"extras": row["amount"] - goods - (row.get("difference") or 0)} | row


def apply(connection: Connection, _: Actor, *, sales: list[Sale]) -> tuple[int, int]:
    """Apply sales in this transaction; returns new orders and lines taken."""
    rows = json.dumps([sale.row() for sale in sales])
    recorded, taken = call(connection, "select * from stockroom_api.apply_orders(%(rows)s::jsonb)", {"rows": rows})[0]
    return recorded, taken


def sell(shop: Shop, *sales: Sale) -> tuple[int, int]:
    """Apply sales in a transaction of their own."""
    done: tuple[int, int] = shop.run(apply, sales=list(sales))
    return done


def order_id(shop: Shop, sale: Sale) -> int:
    """Return the id of the order that a sale became."""
    return int(shop.sql("select id from stockroom.orders where payment_id = :id", id=sale.payment_id))


def name_of(shop: Shop, sale: Sale) -> str:
    """Return the name of an order for people."""
    query = "select stockroom_api.order_name(o) from stockroom.orders o where o.payment_id = :id"
    return str(shop.sql(query, id=sale.payment_id))


def states(shop: Shop, sale: Sale) -> list[tuple[str, str | None, int, int]]:
    """Return state, cause, units taken and oversold of each line of an order."""
    rows = shop.rows(
        """select l.state, l.cause, l.taken, l.oversold from stockroom.order_lines l
             join stockroom.orders o on o.id = l.order_id where o.payment_id = :id order by l.position""",
        id=sale.payment_id,
    )
    return [tuple(row) for row in rows]


def cases(shop: Shop, sale: Sale) -> list[tuple[str, str, int]]:
    """Return kind, state and units of each case of an order, oldest first."""
    rows = shop.rows(
        """select a.kind, a.state, a.units from stockroom.alerts a join stockroom.orders o on o.id = a.order_id
            where o.payment_id = :id order by a.id""",
        id=sale.payment_id,
    )
    return [tuple(row) for row in rows]


def _record_refunds(connection: Connection, _: Actor, *, rows: list[dict[str, Any]]) -> None:
    call(connection, "select stockroom_api.record_refunds(%(rows)s::jsonb)", {"rows": json.dumps(rows)})


def tell_refund(shop: Shop, sale: Sale | str, **more: Any) -> int:
    """Record a refund of a sale, or of an unknown payment, as from Stripe, and return its id here.

    All of a sale's money is refunded, unless `amount` says how much.
    """
    now = datetime.now(UTC).isoformat()
    row = {
        "refund_id": f"re_{payment_id()[3:]}",
        "payment_id": sale if isinstance(sale, str) else sale.payment_id,
        "amount": 1000 if isinstance(sale, str) else sale.row()["amount"],
        "currency": "usd",
        "status": "succeeded",
        "refunded_at": now,
        "told_at": now,
    } | more
    shop.run(_record_refunds, rows=[row])
    return int(shop.sql("select id from stockroom.refunds where refund_id = :id", id=row["refund_id"]))


def seen_now(shop: Shop, refund_id: int) -> str:
    """Return what a page that is opened now shows of the decisions about a refund's order."""
    return str(shop.sql("select seen from stockroom_api.refund_rows where id = :id", id=refund_id))


def case_of(shop: Shop, sale: Sale) -> int:
    """Return the id of the latest case of an order."""
    return int(shop.sql("select max(id) from stockroom.alerts where order_id = :id", id=order_id(shop, sale)))


def line_of(shop: Shop, sale: Sale, position: int = 1) -> int:
    """Return the id of a line of an order."""
    found = shop.sql(
        "select id from stockroom.order_lines where order_id = :id and position = :position",
        id=order_id(shop, sale),
        position=position,
    )
    return int(found)


# ---------------------------------------------------------------- carts with several readings

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
