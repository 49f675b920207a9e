"""A paid order is recorded once; lines with enough stock are taken off the shelf; the others open a case."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from core.alerts import handling
from core.foundation.errors import Forbidden, InvalidInput, KeyReused, RestoresTooMuch, UnknownVariant
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.orders import cases as finishing
from core.orders import refunds
from core.orders.refunds import Decision
from tests.support.builders import Shop, key
from tests.support.selling import Sale, cases, order_id, payment_id, sell, states

TAKEN = ("taken", None)
TIMES = "\N{MULTIPLICATION SIGN}"


def sku(shop: Shop, variant_id: object) -> str:
    return str(shop.sql("select sku from public.product_variants where id = :id", id=variant_id))


def test_a_paid_order_is_taken_once_however_often_its_message_arrives(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale = Sale(lines=[(sku(shop, shoe), 2)])
    assert sell(shop, sale) == (1, 1)
    assert sell(shop, sale) == (0, 0)
    assert sell(shop, sale, sale) == (0, 0)
    assert shop.on_hand(shoe) == 3
    assert states(shop, sale) == [(*TAKEN, 2, 0)]
    movement = shop.history(shoe)[-1]
    assert (movement.movement_type, movement.reason, movement.quantity) == ("sale", "stock_decrease", -2)
    assert (movement.reference_type, movement.reference_id, movement.performed_by) == (
        "order",
        sale.payment_id,
        "Stripe",
    )
    assert shop.sql("select key from stockroom.operations where id = :id", id=movement.operation_id) == (
        f"stripe:{sale.payment_id}"
    )


def test_lines_that_can_ship_are_taken_even_if_another_is_short(shop: Shop) -> None:
    plenty, short = shop.variant(5), shop.variant(1)
    sale = Sale(lines=[(sku(shop, plenty), 2), (sku(shop, short), 2), ("NO-SUCH-SKU", 1)])
    assert sell(shop, sale) == (1, 1)
    assert states(shop, sale) == [
        (*TAKEN, 2, 0),
        ("failed", "insufficient_stock", 0, 0),
        ("failed", "unknown_variant", 0, 0),
    ]
    assert (shop.on_hand(plenty), shop.on_hand(short)) == (3, 1)
    assert cases(shop, sale) == [("insufficient_stock", "open", 3)]


def test_of_two_lines_of_one_variant_the_first_is_taken_and_the_sentence_adds_up(shop: Shop) -> None:
    shoe = shop.variant(3)
    name = sku(shop, shoe)
    sale = Sale(lines=[(name, 2), (name, 2)], more={"number": payment_id()})
    sell(shop, sale)
    assert states(shop, sale) == [(*TAKEN, 2, 0), ("failed", "insufficient_stock", 0, 0)]
    assert shop.on_hand(shoe) == 1
    said = shop.sql("select sentence from stockroom.alerts where order_id = :id", id=order_id(shop, sale))
    assert said == f"Order {sale.more['number']}: 1 of 2 lines not taken off the shelf: 2 {TIMES} {name}, 1 available"
    fits = Sale(lines=[(name, 2), (name, 1)])
    sell(shop, fits)
    assert states(shop, fits) == [("failed", "insufficient_stock", 0, 0), (*TAKEN, 1, 0)], "each line on its own"


def test_two_open_lines_of_one_variant_say_once_what_is_available(shop: Shop) -> None:
    shoe = shop.variant(1)
    name = sku(shop, shoe)
    sale = Sale(lines=[(name, 2), (name, 3)])
    sell(shop, sale)
    said = str(shop.sql("select sentence from stockroom.alerts where order_id = :id", id=order_id(shop, sale)))
    assert said.endswith(
        f"2 of 2 lines not taken off the shelf: 2 {TIMES} {name}, 1 available; another 3 {TIMES} {name}"
    )


def test_the_first_payment_is_served_first_with_every_line_that_fits(shop: Shop) -> None:
    shoe, now = shop.variant(3), datetime.now(UTC)
    name = sku(shop, shoe)
    later = Sale(lines=[(name, 1)], paid_at=now)
    first = Sale(lines=[(name, 2), (name, 1)], paid_at=now - timedelta(minutes=1))
    sell(shop, later, first)
    assert [state for state, *_ in states(shop, first)] == ["taken", "taken"]
    assert [state for state, *_ in states(shop, later)] == ["failed"]


def test_within_a_batch_the_first_payment_is_served_first(shop: Shop) -> None:
    shoe = shop.variant(2)
    now = datetime.now(UTC)
    sales = [Sale(lines=[(sku(shop, shoe), 1)], paid_at=now - timedelta(seconds=n)) for n in range(5)]
    assert sell(shop, *sales) == (5, 2)
    assert [states(shop, sale)[0][0] for sale in sales] == ["failed", "failed", "failed", "taken", "taken"]


def test_a_big_order_that_does_not_fit_lets_a_smaller_later_one_through(shop: Shop) -> None:
    shoe = shop.variant(3)
    now = datetime.now(UTC)
    big = Sale(lines=[(sku(shop, shoe), 5)], paid_at=now - timedelta(minutes=1))
    small = Sale(lines=[(sku(shop, shoe), 2)], paid_at=now)
    sell(shop, big, small)
    assert (states(shop, big)[0][0], states(shop, small)[0][0]) == ("failed", "taken")


def test_units_held_for_a_checkout_are_not_sold_to_another_buyer(shop: Shop) -> None:
    shoe = shop.variant(3)
    shop.sql("update public.product_variants set reserved_quantity = 2 where id = :id", id=shoe)
    sale = Sale(lines=[(sku(shop, shoe), 2)])
    sell(shop, sale)
    assert states(shop, sale) == [("failed", "insufficient_stock", 0, 0)]


def test_the_movement_happened_when_it_was_paid(shop: Shop) -> None:
    shoe = shop.variant(3)
    paid_at = datetime.now(UTC) - timedelta(days=3)
    sell(shop, Sale(lines=[(sku(shop, shoe), 1)], paid_at=paid_at))
    assert (
        shop.sql(
            "select occurred_at from public.stock_movements where variant_id = :id and movement_type = 'sale'", id=shoe
        )
        == paid_at
    )


@pytest.mark.parametrize(
    ("column", "value", "size"),
    [
        ("sku", "{code}", None),
        ("sku", "{code}".swapcase(), None),
        ("barcode", "{code}", None),
        ("stripe_price_id", "{code}", None),
    ],
)
def test_a_line_finds_its_variant_by_any_of_its_names(shop: Shop, column: str, value: str, size: str | None) -> None:
    code = f"Name-{payment_id()[3:15]}"
    named = value.format(code=code) if value == "{code}" else code.swapcase()
    shoe = shop.variant(1, **{column: code} if column != "sku" else {"sku": code})
    sale = Sale(lines=[(named, 1)])
    sell(shop, sale)
    assert states(shop, sale) == [(*TAKEN, 1, 0)], f"by its {column}"
    assert shop.on_hand(shoe) == 0


def test_a_line_finds_its_variant_by_id_and_by_the_size_of_its_product(shop: Shop) -> None:
    shoe = shop.variant(3, size="42")
    product = shop.sql("select product_id from public.product_variants where id = :id", id=shoe)
    shop.sql(
        "insert into public.product_variants (product_id, sku, size) values (:product, :sku, '43')",
        product=product, sku=payment_id(),
    )  # fmt: skip
    by_id, by_size = Sale(lines=[(str(shoe), 1)]), Sale(lines=[(str(product), 1)])
    by_size.more["lines"] = [{"code": str(product), "size": "42", "quantity": 1}]
    vague = Sale(lines=[(str(product), 1)])
    sell(shop, by_id, by_size, vague)
    assert states(shop, by_id) == states(shop, by_size) == [(*TAKEN, 1, 0)]
    assert states(shop, vague)[0][:2] == ("failed", "unknown_variant"), "one product, two sizes: not guessed"


def test_history_before_go_live_is_recorded_and_moves_nothing(shop: Shop) -> None:
    shoe = shop.variant(3)
    sale = Sale(lines=[(sku(shop, shoe), 1), ("OLD-SKU", 1)], more={"policy": "skip"})
    assert sell(shop, sale) == (1, 0)
    assert states(shop, sale) == [("skipped", None, 0, 0), ("skipped", None, 0, 0)]
    assert shop.on_hand(shoe) == 3
    assert cases(shop, sale) == []


def test_by_force_what_is_there_leaves_and_the_rest_is_oversold(shop: Shop) -> None:
    shoe = shop.variant(3)
    sale = Sale(lines=[(sku(shop, shoe), 5)], more={"policy": "force"})
    sell(shop, sale)
    assert states(shop, sale) == [("resolved", None, 3, 2)]
    assert shop.on_hand(shoe) == 0


def test_an_order_whose_cart_cannot_be_read_is_recorded_with_a_case_and_its_text(shop: Shop) -> None:
    sale = Sale(lines=[], more={"cart_state": "unreadable", "cart_raw": '[{"sku":"A"', "why": "its cart is cut off"})
    assert sell(shop, sale) == (1, 0)
    assert cases(shop, sale) == [("unreadable_cart", "open", 0)]
    facts = shop.sql("select facts from stockroom.alerts where order_id = :id", id=order_id(shop, sale))
    assert facts["raw"] == '[{"sku":"A"'


def test_an_order_whose_lines_do_not_add_up_ships_and_is_questioned(shop: Shop) -> None:
    shoe = shop.variant(3)
    sale = Sale(lines=[(sku(shop, shoe), 1)], more={"difference": -500, "why": "its lines do not add up"})
    sell(shop, sale)
    assert shop.on_hand(shoe) == 2
    assert cases(shop, sale) == [("amount_mismatch", "open", 0)]


# ---------------------------------------------------------------- finishing a case


def test_a_retry_takes_what_has_come_meanwhile_and_ends_the_case(shop: Shop) -> None:
    shoe = shop.variant(1)
    sale = Sale(lines=[(sku(shop, shoe), 2)])
    sell(shop, sale)
    order = order_id(shop, sale)
    still = shop.run(finishing.retry_order, "Wanda", order_id=order, key=key())
    assert [line.state for line in still] == ["failed"], "a retry that cannot help changes nothing"
    assert cases(shop, sale) == [("insufficient_stock", "open", 2)]
    shop.adjust(shoe, 4)
    again = key()
    done = shop.run(finishing.retry_order, "Wanda", order_id=order, key=again)
    assert [(line.state, line.taken) for line in done] == [("taken", 2)]
    assert shop.run(finishing.retry_order, "Wanda", order_id=order, key=again) == done, "the same key is the same try"
    assert shop.on_hand(shoe) == 3
    assert cases(shop, sale) == [("insufficient_stock", "resolved", 2)]
    assert shop.history(shoe)[-1].performed_by == "Wanda"


def test_a_key_of_another_change_is_refused(shop: Shop) -> None:
    shoe = shop.variant(1)
    sale, used = Sale(lines=[(sku(shop, shoe), 2)]), key()
    sell(shop, sale)
    shop.adjust(shoe, 1, key=used)
    with pytest.raises(KeyReused):
        shop.run(finishing.retry_order, "Wanda", order_id=order_id(shop, sale), key=used)


def test_a_code_is_mapped_once_and_every_order_that_waits_for_it_can_be_retried(shop: Shop) -> None:
    shoe, code = shop.variant(5), f"OLD-{payment_id()}"
    first, second = Sale(lines=[(code, 1)]), Sale(lines=[(code, 2)])
    sell(shop, first, second)
    assert cases(shop, first) == [("unknown_variant", "open", 1)]
    waiting = shop.run(finishing.map_code, "Sam", code=code, variant_id=shoe)
    assert set(waiting) == {order_id(shop, first), order_id(shop, second)}
    for order in waiting:
        shop.run(finishing.retry_order, "Sam", order_id=order, key=key())
    assert shop.on_hand(shoe) == 2
    later = Sale(lines=[(code, 1)])
    sell(shop, later)
    assert states(shop, later) == [(*TAKEN, 1, 0)], "from now on the shop knows the code"


def test_a_code_cannot_be_mapped_away_from_the_sku_it_is(shop: Shop) -> None:
    shoe, other = shop.variant(5), shop.variant(5)
    with pytest.raises(InvalidInput, match="another variant"):
        shop.run(finishing.map_code, "Sam", code=sku(shop, shoe), variant_id=other)
    with pytest.raises(UnknownVariant):
        shop.run(finishing.map_code, "Sam", code="X", variant_id=shop.sql("select gen_random_uuid()"))


def test_a_manager_ships_what_is_there_and_the_rest_stays_as_oversold(shop: Shop) -> None:
    shoe = shop.variant(1)
    sale = Sale(lines=[(sku(shop, shoe), 3)])
    sell(shop, sale)
    order = order_id(shop, sale)
    with pytest.raises(Forbidden):
        shop.run(finishing.ship_what_is_there, "Sam", order_id=order, key=key(), note="Buyer agreed")
    with pytest.raises(InvalidInput, match="Note must"):
        shop.run(finishing.ship_what_is_there, "Mia", order_id=order, key=key(), note=" ")
    shop.run(finishing.ship_what_is_there, "Mia", order_id=order, key=key(), note="Buyer agreed")
    assert states(shop, sale) == [("resolved", None, 1, 2)]
    assert shop.history(shoe)[-1].reason == "forced"
    assert cases(shop, sale)[0][1] == "resolved"


def test_a_case_is_resolved_with_a_reason_and_its_missing_units_are_oversold(shop: Shop) -> None:
    shoe = shop.variant(1)
    sale = Sale(lines=[(sku(shop, shoe), 3)])
    sell(shop, sale)
    alert = shop.sql("select id from stockroom.alerts where order_id = :id", id=order_id(shop, sale))
    with pytest.raises(Forbidden):
        shop.run(handling.resolve, "Wanda", alert_ids=[alert], reason="Refunded")
    shop.run(handling.acknowledge, "Wanda", alert_ids=[alert])
    shop.run(handling.resolve, "Sam", alert_ids=[alert], reason="Refunded the buyer")
    assert states(shop, sale) == [("resolved", None, 0, 3)]
    assert shop.on_hand(shoe) == 1
    with pytest.raises(InvalidInput, match="resolved by Sam already"):
        shop.run(handling.resolve, "Sam", alert_ids=[alert], reason="Again")
    steps = shop.rows("select who, what from stockroom.alert_history where alert_id = :id order by id", id=alert)
    assert [tuple(step) for step in steps] == [
        ("Stockroom", "opened"), ("Wanda", "acknowledged"), ("Sam", "resolved"),
    ]  # fmt: skip


def test_for_every_order_taken_and_oversold_and_open_units_are_the_units_of_its_cart(shop: Shop) -> None:
    shoe = shop.variant(4)
    sales = [Sale(lines=[(sku(shop, shoe), 3), ("NOBODY-KNOWS", 1)]) for _ in range(2)]
    sell(shop, *sales)
    for sale in sales:
        rows = shop.rows(
            """select l.quantity, l.taken, l.oversold, coalesce(-sum(m.quantity), 0) as sold
                 from stockroom.order_lines l join stockroom.orders o on o.id = l.order_id
                 left join stockroom_api.line_movements x on x.line_id = l.id
                 left join public.stock_movements m on m.id = x.movement_id
                where o.payment_id = :id group by l.id""",
            id=sale.payment_id,
        )
        assert all(row.taken == row.sold for row in rows)


# ---------------------------------------------------------------- undoing what an order did


def movements_of(shop: Shop, sale: Sale) -> list[int]:
    rows = shop.rows(
        """select x.movement_id from stockroom_api.line_movements x join stockroom.order_lines l on l.id = x.line_id
             join stockroom.orders o on o.id = l.order_id where o.payment_id = :id order by 1""",
        id=sale.payment_id,
    )
    return [row.movement_id for row in rows]


def test_undoing_a_sale_opens_its_line_again_and_a_retry_sells_it_again(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale = Sale(lines=[(sku(shop, shoe), 2)])
    sell(shop, sale)
    shop.run(ledger.undo, "Wanda", movement_ids=movements_of(shop, sale), key=key(), note="Wrong parcel")
    assert shop.on_hand(shoe) == 5
    assert states(shop, sale) == [("failed", "undone", 0, 0)]
    assert cases(shop, sale) == [("insufficient_stock", "open", 2)]
    shop.run(finishing.retry_order, "Wanda", order_id=order_id(shop, sale), key=key())
    assert (shop.on_hand(shoe), states(shop, sale)) == (3, [(*TAKEN, 2, 0)])
    assert len(movements_of(shop, sale)) == 3


def test_undoing_a_restoration_lets_the_same_units_be_restored_again_and_no_more(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale = Sale(lines=[(sku(shop, shoe), 2)])
    sell(shop, sale)
    line = shop.sql("select id from stockroom.order_lines where order_id = :id", id=order_id(shop, sale))
    refund = {"refund_id": f"re_{payment_id()}", "payment_id": sale.payment_id, "amount": 2000, "currency": "usd",
              "status": "succeeded", "refunded_at": "2026-01-01", "told_at": "2026-01-01"}  # fmt: skip
    shop.sql("select stockroom_api.record_refunds(cast(:rows as jsonb))", rows=json.dumps([refund]))
    found = shop.sql("select id from stockroom.refunds where refund_id = :id", id=refund["refund_id"])
    back = [Decision(line_id=line, disposition=Disposition.RESTOCK, quantity=2)]
    (restored,) = shop.run(refunds.decide, "Sam", refund_id=found, decisions=back, key=key())
    with pytest.raises(RestoresTooMuch):
        shop.run(ledger.undo, "Mia", movement_ids=movements_of(shop, sale)[:1], key=key(), note="No")
    shop.run(ledger.undo, "Mia", movement_ids=[restored.movement_id], key=key(), note="It was another parcel")
    assert shop.on_hand(shoe) == 3
    assert shop.sql("select state from stockroom.refunds where id = :id", id=found) == "waiting"
    shop.run(refunds.decide, "Sam", refund_id=found, decisions=back, key=key())
    assert shop.on_hand(shoe) == 5
