"""Lines by hand: an unread cart becomes the lines of its order, and lines that were read wrong are put right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.foundation.errors import Forbidden, InvalidInput, KeyReused, SignInRequired, StockError, UnknownVariant
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.ledger.holds import Wanted, hold
from core.orders import cases as finishing
from core.orders import lines, reads, refunds
from core.orders.lines import Changed, Entered
from core.orders.refunds import Decision
from core.people import audit
from core.proof import checks
from tests.support.builders import Shop, key
from tests.support.selling import Sale, cases, order_id, sell, states, tell_refund

UNREAD = {"cart_state": "unreadable", "cart_raw": "{[", "why": "it is cut", "extras": None}
X = "\N{MULTIPLICATION SIGN}"
OPEN, ENDED = ("unreadable_cart", "open", 0), ("unreadable_cart", "resolved", 0)


def unread(shop: Shop, amount: int = 2000, **more: Any) -> tuple[Sale, int]:
    """An order whose cart could not be read."""
    sale = Sale(lines=[], more={"amount": amount, **UNREAD, **more})
    sell(shop, sale)
    return sale, order_id(shop, sale)


def read(shop: Shop, *wanted: tuple[UUID | str, int]) -> tuple[Sale, int]:
    """An order whose cart was read, each unit for 10.00."""
    sale = Sale(lines=[(str(code), units) for code, units in wanted])
    sell(shop, sale)
    return sale, order_id(shop, sale)


def line(variant: UUID | None, units: int, line_id: int | None = None, price: int | None = 1000) -> Entered:
    return Entered(variant_id=variant, quantity=units, unit_price=price, line_id=line_id)


def enter(shop: Shop, order: int, *entered: Entered, actor: str = "Sam", **more: Any) -> Changed:
    values = {"seen": shop.run(lines.seen, order_id=order), "key": key()} | more
    done: Changed = shop.run(lines.set_lines, actor, order_id=order, lines=entered, **values)
    return done


def undo(shop: Shop, done: Changed, actor: str = "Sam", **more: Any) -> Changed:
    found: Changed = shop.run(lines.undo_lines, actor, change_id=done.change_id, **{"key": key()} | more)
    return found


def shown(shop: Shop, order: int) -> list[tuple[UUID | None, str, int, int, int]]:
    """The lines as the order's page shows them."""
    found = shop.run(reads.lines_of, order_ids=[order])
    return [(each.variant_id, each.state.value, each.quantity, each.taken, each.restored) for each in found]


def line_ids(shop: Shop, order: int) -> list[int]:
    return [each.line_id for each in shop.run(reads.lines_of, order_ids=[order])]


def put_back(shop: Shop, sale: Sale, line_id: int, units: int) -> None:
    kept = [Decision(line_id=line_id, disposition=Disposition.RESTOCK, quantity=units)]
    shop.run(refunds.decide, "Sam", refund_id=tell_refund(shop, sale), decisions=kept, key=key())


def assert_proven(shop: Shop) -> None:
    """Every check of the books holds, and no unit is unexplained."""
    results = shop.run(checks.run_checks, codes=["R1", "R2", "R4", "R5", "R6", "R7", "R10", "R11"])
    assert [each.examples for each in results if not each.holds] == []
    unexplained = shop.rows("select unexplained, open_lines from stockroom_api.shelf_days('-infinity', 'infinity')")
    assert {tuple(day) for day in unexplained} <= {(0, 0)}


# ---------------------------------------------------------------- entering


def test_lines_of_an_unread_cart_are_sold_restored_after_a_refund_and_proven(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe = shop.variant(5)
    sale, order = unread(shop)
    done = enter(shop, order, line(shoe, 2))
    assert (done.went, done.came_back, done.open_lines, done.difference) == (2, 0, 0, 0)
    assert (shop.on_hand(shoe), states(shop, sale), cases(shop, sale)) == (3, [("taken", None, 2, 0)], [ENDED])
    movement = shop.history(shoe)[-1]
    assert (movement.movement_type, movement.reason, movement.performed_by) == ("sale", "stock_decrease", "Sam")
    row = shop.run(reads.rows, order_ids=[order])[0]
    assert (row.cart_state, row.cart_source, row.difference, row.units) == ("read", "by hand", 0, 2)
    assert_proven(shop)
    put_back(shop, sale, line_ids(shop, order)[0], 1)
    assert shop.on_hand(shoe) == 4
    assert_proven(shop)


def test_what_is_not_there_waits_with_a_case_like_any_paid_line(shop: Shop) -> None:
    plenty, short = shop.variant(5), shop.variant(1)
    sale, order = unread(shop, 4000)
    done = enter(shop, order, line(plenty, 1), line(short, 3))
    assert (done.went, done.open_lines) == (1, 1)
    assert cases(shop, sale) == [ENDED, ("insufficient_stock", "open", 3)]
    shop.adjust(short, 2)
    shop.run(finishing.retry_order, "Sam", order_id=order, key=key())
    assert [state for state, *_ in states(shop, sale)] == ["taken", "taken"]


def test_the_hold_of_the_order_is_consumed(shop: Shop) -> None:
    shoe = shop.variant(2)
    held = shop.run(hold, items=[Wanted(variant_id=shoe, quantity=2)], reference="cart", ttl_seconds=600, key=key())
    _, order = unread(shop, reservation_id=str(held.reservation_id))
    assert enter(shop, order, line(shoe, 2)).went == 2
    row = shop.rows("select stock_quantity, reserved_quantity from product_variants where id = :id", id=shoe)[0]
    assert tuple(row) == (0, 0)


def test_an_order_from_before_going_live_gets_its_lines_without_moving_stock(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale, order = unread(shop, policy="skip")
    assert enter(shop, order, line(shoe, 2)).went == 0
    assert (shop.on_hand(shoe), states(shop, sale)) == (5, [("skipped", None, 0, 0)])


def test_a_sum_that_is_not_what_was_paid_needs_a_reason_which_the_case_keeps(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe = shop.variant(5)
    sale, order = unread(shop, 1500)
    with pytest.raises(InvalidInput, match="do not add up to what was paid"):
        enter(shop, order, line(shoe, 2), extras=300)
    assert (shop.on_hand(shoe), cases(shop, sale)) == (5, [OPEN])
    assert enter(shop, order, line(shoe, 2), extras=300, note="A coupon").difference == -800
    found = "select resolved_by || ': ' || resolution from stockroom.alerts where order_id = :id"
    assert shop.sql(found, id=order) == "Sam: Lines entered by hand: A coupon"
    assert_proven(shop)


def test_shipping_and_tax_make_the_lines_add_up(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(5)
    _, order = unread(fresh_shop, 2490)
    assert enter(fresh_shop, order, line(shoe, 2), extras=490).difference == 0
    assert_proven(fresh_shop)


def test_a_line_without_a_price_leaves_the_sum_unknown(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(5)
    _, order = unread(fresh_shop)
    assert enter(fresh_shop, order, line(shoe, 2, price=None)).difference is None
    assert_proven(fresh_shop)


# ---------------------------------------------------------------- correcting


def test_a_wrong_variant_goes_back_and_the_right_one_goes_out(fresh_shop: Shop) -> None:
    shop = fresh_shop
    wrong, right, kept = shop.variant(5), shop.variant(5), shop.variant(5)
    sale, order = read(shop, (wrong, 2), (kept, 1))
    first, second = line_ids(shop, order)
    done = enter(shop, order, line(right, 2, first), line(kept, 1, second))
    assert (done.went, done.came_back) == (2, 2)
    assert [shop.on_hand(each) for each in (wrong, right, kept)] == [5, 3, 4]
    assert shown(shop, order) == [(kept, "taken", 1, 1, 0), (right, "taken", 2, 2, 0)]
    sold, undone = shop.history(wrong)[-2:]
    assert (undone.reverses_id, undone.reason, undone.performed_by) == (sold.id, "undo", "Sam")
    assert len(shop.history(kept)) == 2, "a line that was right is left alone"
    assert states(shop, sale)[0] == ("replaced", None, 0, 0), "the wrong line stays on record"
    assert_proven(shop)


def test_a_size_read_as_a_quantity_gives_back_41_pairs(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(50)
    _, order = read(fresh_shop, (shoe, 42))
    (only,) = line_ids(fresh_shop, order)
    done = enter(fresh_shop, order, line(shoe, 1, only), note="The size was taken for the quantity")
    assert (done.came_back, done.went, fresh_shop.on_hand(shoe)) == (41, 0, 49)
    assert shown(fresh_shop, order) == [(shoe, "taken", 1, 1, 0)]
    assert_proven(fresh_shop)


def test_more_units_than_were_read_go_out_as_far_as_there_are(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(3)
    sale, order = read(fresh_shop, (shoe, 1))
    (only,) = line_ids(fresh_shop, order)
    enter(fresh_shop, order, line(shoe, 5, only), note="Paid the rest in cash")
    assert states(fresh_shop, sale) == [("failed", "insufficient_stock", 1, 0)]
    assert cases(fresh_shop, sale) == [("insufficient_stock", "open", 4), ("amount_mismatch", "resolved", 0)]
    assert_proven(fresh_shop)


def test_units_that_were_put_back_after_a_refund_stay_on_their_line(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, other = shop.variant(5), shop.variant(5)
    sale, order = read(shop, (shoe, 3))
    (only,) = line_ids(shop, order)
    put_back(shop, sale, only, 2)
    for refused in ([line(other, 3)], [line(shoe, 1, only)], [line(shoe, 3)]):
        with pytest.raises(InvalidInput, match=r"must keep the units that were put back .* 2 of T-"):
            enter(shop, order, *refused, note="Wrong")
    assert shop.on_hand(shoe) == 4
    enter(shop, order, line(shoe, 2, only), line(other, 1))
    assert shown(shop, order) == [(shoe, "taken", 2, 2, 2), (other, "taken", 1, 1, 0)]
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (5, 4)
    assert_proven(shop)


def test_a_line_whose_code_nobody_knows_can_be_kept_or_named(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale, order = read(shop, ("OLD-CODE", 1), (shoe, 1))
    unknown, known = line_ids(shop, order)
    enter(shop, order, line(None, 1, unknown), line(shoe, 2, known), note="A second pair")
    assert [each[:3] for each in shown(shop, order)] == [(None, "failed", 1), (shoe, "taken", 2)]
    enter(shop, order, line(shoe, 1, unknown), line(shoe, 2, known), note="A third pair")
    assert [each[:3] for each in shown(shop, order)] == [(shoe, "taken", 2), (shoe, "taken", 1)]
    assert cases(shop, sale)[0] == ("unknown_variant", "resolved", 1)


# ---------------------------------------------------------------- two people, twice, and back


def test_a_page_opened_earlier_changes_nothing_and_says_who_did(shop: Shop) -> None:
    shoe, other = shop.variant(5), shop.variant(5)
    _, order = unread(shop)
    seen = shop.run(lines.seen, order_id=order)
    enter(shop, order, line(shoe, 2), actor="Mia", seen=seen)
    with pytest.raises(InvalidInput, match="changed since you opened them, last by Mia") as refused:
        enter(shop, order, line(other, 2), seen=seen)
    assert refused.value.facts["changed"] is True
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (3, 5)


def test_of_ten_people_who_save_at_once_one_does(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(50)
    _, order = unread(fresh_shop)
    seen = fresh_shop.run(lines.seen, order_id=order)
    fresh_shop.person("Sam")

    def save(_: int) -> str:
        try:
            enter(fresh_shop, order, line(shoe, 2), seen=seen)
        except StockError as error:
            return type(error).__name__
        return "saved"

    with ThreadPoolExecutor(10) as people:
        assert sorted(people.map(save, range(10))) == ["InvalidInput"] * 9 + ["saved"]
    assert fresh_shop.on_hand(shoe) == 48
    assert_proven(fresh_shop)


def test_a_message_that_brings_the_cart_at_the_same_moment_or_the_person_wins_never_both(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe = shop.variant(50)
    shop.person("Sam")

    def save(order: int, seen: str) -> str:
        try:
            enter(shop, order, line(shoe, 2), seen=seen)
        except InvalidInput:
            return "refused"
        return "saved"

    for _ in range(8):
        sale, order = unread(shop)
        late = Sale(lines=[(str(shoe), 2)], payment_id=sale.payment_id)
        seen = shop.run(lines.seen, order_id=order)
        with ThreadPoolExecutor(2) as both:
            entered, told = both.submit(save, order, seen), both.submit(sell, shop, late)
            told.result()
            assert entered.result() in ("saved", "refused")
        assert [each[1:4] for each in shown(shop, order)] == [("taken", 2, 2)]
    assert shop.on_hand(shoe) == 50 - 8 * 2
    assert_proven(shop)


def test_the_same_key_saves_once_and_other_lines_under_it_are_refused(shop: Shop) -> None:
    shoe = shop.variant(5)
    _, order = unread(shop)
    same = {"key": key(), "seen": shop.run(lines.seen, order_id=order)}
    assert enter(shop, order, line(shoe, 2), **same) == enter(shop, order, line(shoe, 2), **same)
    assert shop.on_hand(shoe) == 3
    with pytest.raises(KeyReused):
        enter(shop, order, line(shoe, 1), **same)


def test_undo_makes_the_cart_unread_again_with_an_open_case(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe = shop.variant(5)
    sale, order = unread(shop)
    done, again = enter(shop, order, line(shoe, 2)), key()
    undone = undo(shop, done, key=again)
    assert (undone.went, undone.came_back) == (0, 2)
    assert undo(shop, done, key=again) == undone, "the same key undoes once"
    assert (shop.on_hand(shoe), shown(shop, order), cases(shop, sale)) == (5, [], [ENDED, OPEN])
    assert shop.run(reads.rows, order_ids=[order])[0].cart_state == "unreadable"
    assert_proven(shop)
    with pytest.raises(InvalidInput, match="was undone by Sam already"):
        undo(shop, done, "Mia")
    with pytest.raises(InvalidInput, match="is an undo itself"):
        undo(shop, undone)
    late = Sale(lines=[(str(shoe), 2)], payment_id=sale.payment_id)
    sell(shop, late)
    assert shown(shop, order) == [(shoe, "taken", 2, 2, 0)], "a later message still brings the cart"
    assert_proven(shop)


def test_undo_of_a_correction_takes_the_old_lines_again(fresh_shop: Shop) -> None:
    shop = fresh_shop
    wrong, right = shop.variant(5), shop.variant(5)
    _, order = read(shop, (wrong, 2), (right, 4))
    first, second = line_ids(shop, order)
    done = enter(shop, order, line(right, 1, second), line(right, 1), note="The cart says so")
    assert (shop.on_hand(wrong), shop.on_hand(right)) == (5, 3)
    undone = undo(shop, done, "Mia")
    assert (undone.went, undone.came_back) == (4, 0)
    assert shown(shop, order) == [(wrong, "taken", 2, 2, 0), (right, "taken", 4, 4, 0)]
    assert line_ids(shop, order) == [first, second]
    assert_proven(shop)


def test_only_the_latest_change_is_undone_and_never_below_what_was_put_back(shop: Shop) -> None:
    shoe, other = shop.variant(5), shop.variant(5)
    sale, order = unread(shop)
    first = enter(shop, order, line(shoe, 2))
    (only,) = line_ids(shop, order)
    second = enter(shop, order, line(shoe, 1, only), line(other, 1), actor="Mia")
    with pytest.raises(InvalidInput, match="is not the latest: Mia has changed the lines since"):
        undo(shop, first)
    put_back(shop, sale, line_ids(shop, order)[1], 1)
    with pytest.raises(InvalidInput, match="must keep the units that were put back"):
        undo(shop, second)


def test_a_sale_of_an_entered_line_is_undone_like_any_other(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(5)
    sale, order = unread(fresh_shop)
    enter(fresh_shop, order, line(shoe, 2))
    fresh_shop.run(ledger.undo, "Mia", movement_ids=[fresh_shop.history(shoe)[-1].id], key=key(), note="Not his")
    assert states(fresh_shop, sale) == [("failed", "undone", 0, 0)]
    assert_proven(fresh_shop)


# ---------------------------------------------------------------- who and what


def test_support_and_up_enter_lines_and_the_audit_log_says_who(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale, order = unread(shop, number=f"WEB-{key()[:8]}")
    with pytest.raises(Forbidden):
        enter(shop, order, line(shoe, 2), actor="Wanda")
    with pytest.raises(SignInRequired):
        enter(shop, order, line(shoe, 2), actor="Carl")
    done = enter(shop, order, line(shoe, 2), note="From the storefront's mail")
    with pytest.raises(Forbidden):
        undo(shop, done, "Wanda")
    entry = next(each for each in shop.run(audit.recent_changes, "Ada") if each.subject == sale.more["number"])
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    assert (entry.what, entry.performed_by, entry.after) == ("lines_set", "Sam", {"lines": f"2 {X} {sku}"})
    (change,) = shop.run(lines.changes, order_id=order)
    assert (change.changed_by, change.before, change.after) == ("Sam", None, f"2 {X} {sku}")
    assert (change.note, change.is_latest) == ("From the storefront's mail", True)
    steps = [(step.kind, step.subject) for step in shop.run(reads.steps, order_id=order)]
    assert ("lines", f"2 {X} {sku}") in steps


@pytest.mark.parametrize("units", [0, -1, 1_000_001, 1.5, True])
def test_an_impossible_quantity_is_refused(shop: Shop, units: Any) -> None:
    _, order = unread(shop)
    with pytest.raises(InvalidInput, match="Quantity must be a whole number"):
        enter(shop, order, line(shop.variant(5), units))


def test_impossible_lines_change_nothing(shop: Shop) -> None:
    shoe = shop.variant(5)
    sale, order = unread(shop)
    _, other = read(shop, (shoe, 1))
    (foreign,) = line_ids(shop, other)
    with pytest.raises(UnknownVariant):
        enter(shop, order, line(uuid4(), 1))
    wrong: list[tuple[list[Entered], str]] = [
        ([], "must be 1 to 200"),
        ([line(shoe, 1)] * 201, "must be 1 to 200"),
        ([line(None, 1)], "need a variant"),
        ([line(shoe, 1, foreign)], "another order"),
        ([line(shoe, 1, price=-1)], "Price"),
    ]
    for entered, why in wrong:
        with pytest.raises(InvalidInput, match=why):
            enter(shop, order, *entered)
    assert (shop.on_hand(shoe), states(shop, sale), cases(shop, sale)) == (4, [], [OPEN])
