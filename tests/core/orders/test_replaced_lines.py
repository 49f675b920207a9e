"""A line that a correction replaced is part of the order's history and of nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE
from core.foundation.sales import Disposition
from core.orders import cases, reads, refunds
from core.orders.filter import OrderFilter
from core.orders.refunds import Decision
from core.storefront import paid_orders
from tests.core.orders.test_lines import enter, line, line_ids, read, shown, undo, unread
from tests.support.builders import Shop, key
from tests.support.selling import Sale, tell_refund


@pytest.fixture
def corrected(shop: Shop) -> tuple[Sale, int, int, UUID, UUID]:
    """An order of two wrong units, corrected to one right unit: its sale, id, old line, and both variants."""
    wrong, right = shop.variant(5), shop.variant(5)
    sale, order = read(shop, (wrong, 2))
    (old,) = line_ids(shop, order)
    enter(shop, order, line(right, 1, price=2000))
    return sale, order, old, wrong, right


Corrected = tuple[Sale, int, int, UUID, UUID]


def test_sums_retries_and_searches_leave_it_out(shop: Shop, corrected: Corrected) -> None:
    _, order, _, wrong, right = corrected
    row = shop.run(reads.rows, order_ids=[order])[0]
    assert (row.lines, row.units, row.taken, row.missing) == (1, 1, 1, 0)
    assert len(shop.run(cases.retry_order, "Sam", order_id=order, key=key())) == 1
    for variant, is_found in ((wrong, False), (right, True)):
        sku = shop.sql("select sku from product_variants where id = :id", id=variant)
        found = shop.run(reads.page, filter=OrderFilter(search=sku)).rows
        assert [each.order_id for each in found] == ([order] if is_found else [])


def test_the_storefront_and_the_mail_see_only_the_lines_that_count(shop: Shop, corrected: Corrected) -> None:
    sale, _, _, wrong, right = corrected
    told = shop.run(paid_orders.get, COMMAND_LINE, payment_id=sale.payment_id)
    right_sku, wrong_sku = (shop.sql("select sku from product_variants where id = :id", id=i) for i in (right, wrong))
    assert [(each.sku, each.quantity, each.error) for each in told.lines] == [(right_sku, 1, None)]
    assert wrong_sku not in paid_orders.confirmation(told).body


@pytest.mark.parametrize("what", [Disposition.RESTOCK, Disposition.DAMAGED])
def test_a_refund_decided_on_a_page_opened_before_cannot_name_it(
    shop: Shop, corrected: Corrected, what: Disposition
) -> None:
    sale, order, old, wrong, right = corrected
    found = tell_refund(shop, sale)

    def decide(line_id: int) -> None:
        kept = [Decision(line_id=line_id, disposition=what, quantity=1)]
        shop.run(refunds.decide, "Sam", refund_id=found, decisions=kept, key=key())

    with pytest.raises(InvalidInput, match="another order, or one that was replaced"):
        decide(old)
    assert shop.on_hand(wrong) == 5
    decide(line_ids(shop, order)[0])
    assert shop.on_hand(right) == (5 if what is Disposition.RESTOCK else 4)


def test_an_order_that_is_unread_again_has_its_refund_decided_as_a_whole(shop: Shop) -> None:
    sale, order = unread(shop)
    undo(shop, enter(shop, order, line(shop.variant(5), 2)))
    kept = [Decision(line_id=None, disposition=Disposition.GOODWILL, quantity=0)]
    shop.run(refunds.decide, "Sam", refund_id=tell_refund(shop, sale), decisions=kept, key=key())
    assert shown(shop, order) == []
