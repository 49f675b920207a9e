"""What a code means: a variant, a bundle or no goods; for good or for one order; at import and for orders that wait."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from uuid import UUID

import pytest

from core.foundation.errors import Forbidden, InvalidInput, KeyReused, RestoresTooMuch, UnknownVariant
from core.foundation.sales import Disposition, LineState, MeaningKind
from core.orders import cases as finishing
from core.orders import meanings, reads, refunds
from core.orders.meanings import Meaning, Part
from core.people import audit
from core.people.audit import What
from core.proof import checks
from core.storefront import paid_orders
from tests.conftest import open_fresh
from tests.support.builders import Shop, key
from tests.support.selling import Sale, cases, line_of, order_id, sell, states, tell_refund
from tests.support.servers import Server

NO_GOODS = Meaning(kind=MeaningKind.NO_GOODS)
TAKEN = ("taken", None)
TIMES = "\N{MULTIPLICATION SIGN}"
SETTLED = ("no_goods", None, 0, 0)
UNKNOWN = ("failed", "unknown_variant", 0, 0)


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Shop]:
    """A shop of this file's own, so that its proof is about these orders alone."""
    yield from open_fresh(server)


def code(name: str = "BOX") -> str:
    return f"{name}-{uuid.uuid4().hex[:8].upper()}"


def variant(variant_id: UUID) -> Meaning:
    return Meaning(kind=MeaningKind.VARIANT, variant_id=variant_id)


def bundle(*parts: tuple[UUID, int]) -> Meaning:
    return Meaning(kind=MeaningKind.BUNDLE, parts=tuple(Part(variant_id=each, quantity=units) for each, units in parts))


def give(shop: Shop, name: str, meaning: Meaning, who: str = "Sam", seen: int | None = None) -> meanings.Given:
    """Give a code its meaning and retry the orders that wait for it, as the page does."""
    given: meanings.Given = shop.run(meanings.give, who, code=name, meaning=meaning, seen=seen)
    for order in given.orders:
        shop.run(finishing.retry_order, who, order_id=order, key=key())
    return given


def assert_proof_holds(shop: Shop) -> None:
    faults = [check.code for check in shop.run(checks.run_checks) if not check.holds]
    assert not {"R1", "R2", "R4", "R5", "R6", "R11"} & set(faults)


def test_shipping_is_no_case_once_somebody_has_said_that_it_is_no_goods(shop: Shop) -> None:
    shipping, shoe = code("SHIPPING"), shop.variant(5)
    name = str(shop.sql("select sku from public.product_variants where id = :id", id=shoe))
    first = Sale(lines=[(name, 1), (shipping, 1)])
    sell(shop, first)
    assert cases(shop, first) == [("unknown_variant", "open", 1)]
    given = give(shop, shipping, NO_GOODS)
    assert given.orders == (order_id(shop, first),)
    assert states(shop, first) == [(*TAKEN, 1, 0), SETTLED]
    assert cases(shop, first) == [("unknown_variant", "resolved", 1)]
    later = Sale(lines=[(shipping, 1), (name, 2)])
    sell(shop, later)
    assert states(shop, later) == [SETTLED, (*TAKEN, 2, 0)]
    assert cases(shop, later) == []
    order = shop.run(reads.rows, order_ids=[order_id(shop, later)])[0]
    assert (order.lines, order.units, order.taken, order.oversold, order.missing) == (2, 2, 2, 0, 0)
    assert_proof_holds(shop)


def test_a_gift_card_alone_is_a_whole_order_without_a_case(shop: Shop) -> None:
    card = code("GIFT-20")
    give(shop, card, NO_GOODS)
    sale = Sale(lines=[(card, 2)])
    sell(shop, sale)
    assert (states(shop, sale), cases(shop, sale)) == ([SETTLED], [])
    assert_proof_holds(shop)


def test_a_bundle_takes_its_parts_and_keeps_its_price_in_one_place(shop: Shop) -> None:
    box, shoe, socks = code(), shop.variant(10, sku=code("SHOE")), shop.variant(10, sku=code("SOCKS"))
    give(shop, box, bundle((shoe, 1), (socks, 3)))
    sale = Sale(lines=[(box, 2)])
    sell(shop, sale)
    assert states(shop, sale) == [("bundle", None, 0, 0), (*TAKEN, 2, 0), (*TAKEN, 6, 0)]
    assert (shop.on_hand(shoe), shop.on_hand(socks)) == (8, 4)
    order = order_id(shop, sale)
    whole = shop.run(reads.rows, order_ids=[order])[0]
    assert (whole.lines, whole.units, whole.taken) == (1, 8, 8)
    head, *parts = shop.run(reads.lines_of, order_ids=[order])
    assert (head.state, head.unit_price, head.has_units) == (LineState.BUNDLE, 1000, False)
    assert [(part.part_of, part.unit_price, part.quantity) for part in parts] == [
        (head.line_id, None, 2), (head.line_id, None, 6),
    ]  # fmt: skip
    assert_proof_holds(shop)


def test_a_buyer_sees_a_bundle_as_the_one_line_that_was_bought(shop: Shop) -> None:
    box, shoe, socks = code(), shop.variant(10), shop.variant(1)
    give(shop, box, bundle((shoe, 1), (socks, 1)))
    whole, short = Sale(lines=[(box, 1)]), Sale(lines=[(box, 1)])
    sell(shop, whole)
    sell(shop, short)
    for sale, expected in ((whole, ("taken", None)), (short, ("failed", "insufficient_stock"))):
        found = shop.run(paid_orders.get, payment_id=sale.payment_id)
        assert [(line.sku, line.quantity, line.unit_price, line.state, line.error) for line in found.lines] == [
            (box, 1, 1000, *expected)
        ]
        assert f"1 x {box}: 10.00 USD" in paid_orders.confirmation(found).body


def test_a_storefront_that_calls_the_database_gets_one_line_for_a_bundle(shop: Shop) -> None:
    box, shoe, socks = code(), shop.variant(10), shop.variant(1)
    give(shop, box, bundle((shoe, 1), (socks, 1)))
    for is_whole in (True, False):
        answer = shop.sql(
            "select stockroom_api.process_order(gen_random_uuid(), cast(:items as jsonb))",
            items=f'[{{"sku": "{box}", "quantity": 1}}]',
        )
        assert (answer["success"], answer["total_items"], answer["valid_items"]) == (is_whole, 1, int(is_whole))
        assert [(line["code"], line["quantity"]) for line in answer["lines"]] == [(box, 1)]
        assert [error["code"] for error in answer["errors"]] == ([] if is_whole else ["insufficient_stock"])


def test_every_unit_paid_for_is_explained_where_a_cart_has_bundles_and_no_goods(shop: Shop) -> None:
    box, shipping, shoe = code(), code("SHIPPING"), shop.variant(3)
    give(shop, box, bundle((shoe, 2)))
    give(shop, shipping, NO_GOODS)
    for _ in range(2):
        sale = Sale(lines=[(box, 1), (shipping, 1)])
        sell(shop, sale)
        lines = shop.rows(
            "select paid, sold, waiting, unexplained from stockroom_api.shelf_lines where order_id = :id "
            "order by position",
            id=order_id(shop, sale),
        )
        assert [line.unexplained for line in lines] == [0, 0, 0]
        assert sum(line.paid for line in lines) == 2 == sum(line.sold + line.waiting for line in lines)


def test_a_refunded_gift_card_is_decided_as_a_whole(shop: Shop) -> None:
    card = code("GIFT")
    give(shop, card, NO_GOODS)
    sale = Sale(lines=[(card, 1)])
    sell(shop, sale)
    refund = tell_refund(shop, sale)
    back = refunds.Decision(line_id=line_of(shop, sale), disposition=Disposition.RESTOCK, quantity=1)
    with pytest.raises(RestoresTooMuch):
        shop.run(refunds.decide, "Sam", refund_id=refund, decisions=[back], key=key())
    whole = refunds.Decision(line_id=None, disposition=Disposition.GOODWILL, quantity=0)
    assert shop.run(refunds.decide, "Sam", refund_id=refund, decisions=[whole], key=key()) == ()


def test_the_missing_part_of_a_bundle_is_a_case_of_its_own_line(shop: Shop) -> None:
    box, shoe, socks = code(), shop.variant(5), shop.variant(0, sku=code("SOCKS"))
    give(shop, box, bundle((shoe, 1), (socks, 2)))
    sale = Sale(lines=[(box, 1)])
    sell(shop, sale)
    assert cases(shop, sale) == [("insufficient_stock", "open", 2)]
    said = str(shop.sql("select sentence from stockroom.alerts where order_id = :id", id=order_id(shop, sale)))
    assert f"1 of 2 lines not taken off the shelf: 2 {TIMES} SOCKS" in said
    assert_proof_holds(shop)
    shop.adjust(socks, 2)
    shop.run(finishing.retry_order, "Sam", order_id=order_id(shop, sale), key=key())
    assert cases(shop, sale) == [("insufficient_stock", "resolved", 2)]
    assert_proof_holds(shop)


def test_a_bundle_given_later_takes_its_parts_for_every_order_that_waits(shop: Shop) -> None:
    box, shoe, socks = code(), shop.variant(10), shop.variant(10)
    sales = [Sale(lines=[(box, 1)]), Sale(lines=[(box, 2)])]
    sell(shop, *reversed(sales))
    assert give(shop, box, bundle((shoe, 2), (socks, 1))).orders == tuple(order_id(shop, sale) for sale in sales)
    assert (shop.on_hand(shoe), shop.on_hand(socks)) == (4, 7)
    assert [cases(shop, sale)[0][1] for sale in sales] == ["resolved", "resolved"]


def test_a_meaning_for_one_order_leaves_the_code_unknown_to_the_next(shop: Shop) -> None:
    box, shoe, socks = code(), shop.variant(10), shop.variant(10)
    first, second = Sale(lines=[(box, 1)]), Sale(lines=[(box, 1)])
    sell(shop, first, second)
    chosen = {"order_id": order_id(shop, first), "line_id": line_of(shop, first), "key": key()}
    both = bundle((shoe, 1), (socks, 1))
    with pytest.raises(Forbidden):
        shop.run(meanings.choose, "Wanda", meaning=both, **chosen)
    done = shop.run(meanings.choose, "Sam", meaning=both, **chosen)
    assert [(line.state, line.taken) for line in done] == [("bundle", 0), ("taken", 1), ("taken", 1)]
    assert shop.run(meanings.choose, "Sam", meaning=both, **chosen) == done, "the same key chooses once"
    with pytest.raises(KeyReused):
        shop.run(meanings.choose, "Sam", meaning=NO_GOODS, **chosen)
    with pytest.raises(InvalidInput, match="not waiting for a variant anymore"):
        shop.run(meanings.choose, "Mia", meaning=NO_GOODS, **(chosen | {"key": key()}))
    assert (shop.on_hand(shoe), shop.on_hand(socks)) == (9, 9)
    assert states(shop, second) == [UNKNOWN]
    third = Sale(lines=[(box, 1)])
    sell(shop, third)
    assert states(shop, third) == [UNKNOWN]
    row = next(row for row in shop.run(meanings.meanings, search=box) if row.order_id == chosen["order_id"])
    assert (row.added_by, row.orders) == ("Sam", 1)


def test_the_catalogues_own_code_is_never_a_bundle_or_no_goods(shop: Shop) -> None:
    own = code("SHOE")
    shoe = shop.variant(5, sku=own)
    for meaning in (NO_GOODS, bundle((shop.variant(5), 2))):
        with pytest.raises(InvalidInput, match=f"is the SKU, id, barcode or price of a variant: {own}. Nothing"):
            shop.run(meanings.give, "Sam", code=own, meaning=meaning, seen=None)
    late = code("LATE")
    give(shop, late, NO_GOODS)
    shop.variant(5, sku=late)
    sale = Sale(lines=[(late, 1)])
    sell(shop, sale)
    assert states(shop, sale) == [(*TAKEN, 1, 0)], "a variant that was added later is what its SKU says"
    assert shop.on_hand(shoe) == 5


def test_a_bundle_needs_known_variants_once_each_and_whole_units(shop: Shop) -> None:
    shoe = shop.variant(5)
    for meaning, said in [
        (bundle(), "needs 1 to 50 variants"),
        (bundle((shoe, 0)), "1 to 1,000 units of each"),
        (bundle((shoe, 1), (shoe, 2)), "the same variant twice"),
        (bundle(*((uuid.uuid4(), 1) for _ in range(51))), "more than 50 variants"),
    ]:
        with pytest.raises(InvalidInput, match=said):
            shop.run(meanings.give, "Sam", code=code(), meaning=meaning, seen=None)
    with pytest.raises(UnknownVariant):
        shop.run(meanings.give, "Sam", code=code(), meaning=bundle((uuid.uuid4(), 1)), seen=None)
    with pytest.raises(Forbidden):
        shop.run(meanings.give, "Wanda", code=code(), meaning=NO_GOODS, seen=None)


def test_the_audit_says_what_a_code_meant_before_and_after(shop: Shop) -> None:
    name, shoe = code("OLD"), shop.variant(5, sku=code("SHOE"))
    sku = str(shop.sql("select sku from public.product_variants where id = :id", id=shoe))
    first = give(shop, name, variant(shoe))
    give(shop, name, bundle((shoe, 2)), who="Mia", seen=first.meaning_id)
    changes = [each for each in shop.run(audit.recent_changes, "Ada") if each.subject == name]
    assert [(each.what, each.performed_by, each.before, each.after) for each in changes] == [
        (What.CODE_MAPPED, "Mia", {"means": sku}, {"means": f"2 {TIMES} {sku}"}),
        (What.CODE_MAPPED, "Sam", {}, {"means": sku}),
    ]
