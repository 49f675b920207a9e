"""The expected state of a shop, in plain dicts, and the same state read from its database."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.foundation.model import Line
from core.ledger import changes as ledger
from tests.stripe.shop import Stripe
from tests.support.builders import Shop, key

Cart = list[tuple[str, int]]

_examples = itertools.count(1)
_UNITS = """
    select o.payment_id, count(distinct o.id) as orders, sum(l.quantity)::int as cart, sum(l.taken)::int as taken,
           sum(l.oversold)::int as oversold, sum(l.restored)::int as restored, sum(m.sold)::int as sold,
           sum(m.back)::int as back, bool_or(l.restored > l.taken or l.taken < 0 or l.restored < 0) as impossible,
           sum(l.quantity - l.taken - l.oversold) filter (where l.state = 'failed')::int as open,
           sum(l.quantity) filter (where l.state = 'no_goods')::int as no_goods,
           (select count(*) from stockroom.alerts a
             where a.cause = 'order:' || o.payment_id and a.state <> 'resolved') as cases
      from stockroom.orders o
      join stockroom.order_lines l on l.order_id = o.id
     cross join lateral (
           select coalesce(-sum(s.quantity) filter (where s.movement_type = 'sale'), 0) as sold,
                  coalesce(sum(s.quantity) filter (where s.movement_type = 'restoration'), 0) as back
             from stockroom_api.line_movements x join public.stock_movements s on s.id = x.movement_id
            where x.line_id = l.id) m
     where o.payment_id = any(:ids)
     group by o.payment_id"""
_LEVELS = """
    select v.id, v.stock_quantity as on_hand, coalesce(sum(l.taken - l.restored), 0)::int as gone
      from public.product_variants v left join stockroom.order_lines l on l.variant_id = v.id
     where v.id = any(:ids) group by v.id"""
_PICKED = """
    select {what} as picked from stockroom.order_lines l
      join stockroom.orders o on o.id = l.order_id {more} where o.payment_id = any(:ids) order by 1"""


@dataclass
class Till:
    """The model: what was paid and what was put on the shelf. Units by SKU, carts by payment, states by id.

    `pages`: what each order's page showed of decisions when somebody last decided about its goods.
    """

    stripe: Stripe
    received: dict[UUID, int] = field(default_factory=dict)
    skus: dict[str, UUID] = field(default_factory=dict)
    waiting: dict[str, Cart] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    paid: dict[str, Cart] = field(default_factory=dict)
    refunds: dict[str, str] = field(default_factory=dict)
    disputes: dict[str, dict[str, str]] = field(default_factory=dict)
    pages: dict[int, str] = field(default_factory=dict)

    @classmethod
    def open(cls, shop: Shop, levels: tuple[int, ...]) -> Till:
        """Open a separate shop in a shared database, with its own Stripe account and its own shoes."""
        shop.sql("update stockroom.stripe_link set cursor = null")
        stripe, number = Stripe(shop), next(_examples)
        stripe.account.store.count = number * 1_000_000  # ids that no other example has
        till = cls(stripe=stripe)
        for n, level in enumerate(levels):
            sku = f"SHOE-{number}-{n}"
            till.skus[sku] = shop.variant(sku=sku)
            till.received[till.skus[sku]] = 0
            till.receive(sku, level)
        return till

    @property
    def shop(self) -> Shop:
        """The shop behind it."""
        return self.stripe.shop

    def receive(self, sku: str, units: int) -> None:
        """Put units on the shelf by hand."""
        if units:
            line = Line(variant_id=self.skus[sku], quantity=units)
            self.shop.run(ledger.receive, "Wanda", lines=[line], key=key())
            self.received[self.skus[sku]] += units

    def cart(self, picked: list[tuple[int, int]]) -> Cart:
        """A cart of shoes by number; a number beyond the last is a code that the shop does not know."""
        known, number = list(self.skus), next(iter(self.skus)).split("-")[1]
        return [(known[n] if n < len(known) else f"OLD-{number}-{n}", units) for n, units in picked]

    def pick(self, what: str, n: int, more: str = "") -> Any:
        """Return one of the rows of this shop's orders, the n-th round the clock, or None."""
        rows = self.shop.rows(_PICKED.format(what=what, more=more), ids=list(self.paid))
        return rows[n % len(rows)].picked if rows else None

    def give_back(self) -> None:
        """Let time pass until the claims of dead workers expire and retries are due."""
        self.shop.sql("update stockroom.stripe_events set due_at = now(), attempts = 0 where state = 'new'")

    # ------------------------------------------------------------ what must hold

    def assert_levels(self) -> None:
        """Check that on hand is received, less taken for orders, plus put back, and never below zero."""
        found = {row.id: row for row in self.shop.rows(_LEVELS, ids=list(self.received))}
        for variant_id, received in self.received.items():
            assert found[variant_id].on_hand == received - found[variant_id].gone >= 0

    def assert_orders(self) -> None:
        """Each order is a paid payment, once; its units are where they must be; it is a case just while it is open."""
        for row in self.shop.rows(_UNITS, ids=[*self.paid, *self.waiting]):
            assert row.payment_id in self.paid, "only what was paid is an order"
            assert row.orders == 1
            assert row.cart == sum(units for _, units in self.paid[row.payment_id])
            assert row.sold + row.oversold + (row.open or 0) + (row.no_goods or 0) == row.cart
            assert (row.sold, row.back) == (row.taken, row.restored), "the lines count what the ledger moved"
            assert not row.impossible
            assert row.cases == (1 if row.open else 0)

    def assert_nothing_fits(self, order_id: int) -> None:
        """Check after a try that no open line of an order would fit: each was tried on its own, in their order."""
        fits = """select l.id from stockroom.order_lines l join public.product_variants v on v.id = l.variant_id
                   where l.order_id = :id and l.state = 'failed'
                     and l.quantity - l.taken - l.oversold <= v.stock_quantity - v.reserved_quantity"""
        assert self.shop.rows(fits, id=order_id) == []

    def assert_whole(self) -> None:
        """Check that after everything was sent and applied, no order, line, refund or dispute is missing."""
        assert self.shop.sql("select count(*) from stockroom.stripe_events where state in ('new', 'parked')") == 0
        lines = """select o.payment_id, o.dispute, l.code, l.quantity from stockroom.orders o
                     join stockroom.order_lines l on l.order_id = o.id where o.payment_id = any(:ids)"""
        found: dict[str, Counter[tuple[str, int]]] = {payment_id: Counter() for payment_id in self.paid}
        for row in self.shop.rows(lines, ids=list(self.paid)):
            found[row.payment_id][row.code, row.quantity] += 1
            assert row.dispute == next(reversed(self.disputes.get(row.payment_id, {"": None}).values()))
        assert found == {payment_id: Counter(cart) for payment_id, cart in self.paid.items()}
        told = self.shop.rows(
            "select refund_id, status, order_id from stockroom.refunds where refund_id = any(:ids)",
            ids=list(self.refunds),
        )
        assert {row.refund_id: row.status for row in told} == self.refunds
        assert all(row.order_id for row in told), "every refund has found its order"
