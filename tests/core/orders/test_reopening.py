"""A wrong meaning is changed or ended, and the orders it touched are reopened, except what is settled."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.alerts import handling
from core.foundation.errors import Forbidden, InvalidInput, StockError
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.orders import cases as finishing
from core.orders import meanings, refunds
from core.people import audit
from core.people.audit import What
from tests.conftest import open_fresh
from tests.core.orders.test_meanings import (
    NO_GOODS,
    SETTLED,
    TAKEN,
    UNKNOWN,
    assert_proof_holds,
    bundle,
    code,
    give,
    variant,
)
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, cases, line_of, name_of, order_id, sell, states, tell_refund
from tests.support.servers import Server


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Shop]:
    """A shop of this file's own, so that its proof is about these orders alone."""
    yield from open_fresh(server)


def live(shop: Shop, sale: Sale) -> list[tuple[str, str | None, int, int]]:
    """The states of an order's lines, without those that were replaced."""
    return [state for state in states(shop, sale) if state[0] != "replaced"]


def reopen(shop: Shop, sale: Sale, meaning_id: int, who: str = "Sam", again: str | None = None) -> list[str | None]:
    """Reopen an order and return why its lines were kept."""
    done = shop.run(meanings.reopen, who, order_id=order_id(shop, sale), meaning_id=meaning_id, key=again or key())
    return [line.kept for line in done]


def test_a_wrong_mapping_is_ended_and_what_it_took_goes_back_as_an_undo(shop: Shop) -> None:
    old, shoe = code("OLD"), shop.variant(5)
    given, sale = give(shop, old, variant(shoe)), Sale(lines=[(old, 2)])
    sell(shop, sale)
    assert (states(shop, sale), shop.on_hand(shoe)) == ([(*TAKEN, 2, 0)], 3)
    with pytest.raises(InvalidInput, match="in force; change or end it first"):
        reopen(shop, sale, given.meaning_id)
    with pytest.raises(Forbidden):
        shop.run(meanings.end, "Wanda", meaning_id=given.meaning_id)
    shop.run(meanings.end, "Mia", meaning_id=given.meaning_id)
    assert states(shop, sale) == [(*TAKEN, 2, 0)], "ended: from now on; what was taken stays until it is reopened"
    assert shop.run(meanings.touched, meaning_id=given.meaning_id) == (order_id(shop, sale),)
    again = key()
    with pytest.raises(Forbidden):
        reopen(shop, sale, given.meaning_id, "Wanda")
    assert reopen(shop, sale, given.meaning_id, again=again) == [None]
    assert (states(shop, sale), shop.on_hand(shoe)) == ([UNKNOWN], 5)
    assert cases(shop, sale) == [("unknown_variant", "open", 2)]
    assert reopen(shop, sale, given.meaning_id, again=again) == [None], "the same key reopens once"
    assert (shop.run(meanings.touched, meaning_id=given.meaning_id), shop.on_hand(shoe)) == ((), 5)
    undone = shop.rows(
        """select m.quantity, m.reverses_id is not null as linked, m.performed_by from public.stock_movements m
            where m.variant_id = :id and m.reason = 'undo'""",
        id=shoe,
    )
    assert [tuple(row) for row in undone] == [(2, True, "Sam")]
    change = shop.run(audit.recent_changes, "Ada")[0]
    assert (change.what, change.subject, change.performed_by) == (What.ORDER_REOPENED, name_of(shop, sale), "Sam")
    assert_proof_holds(shop)


def test_after_a_change_reopening_takes_what_the_code_means_now(shop: Shop) -> None:
    old, wrong, right, extra = code("OLD"), shop.variant(5), shop.variant(5), shop.variant(5)
    first, sale = give(shop, old, variant(wrong)), Sale(lines=[(old, 2)])
    sell(shop, sale)
    second = give(shop, old, bundle((right, 1), (extra, 2)), seen=first.meaning_id)
    reopen(shop, sale, first.meaning_id)
    assert sorted(states(shop, sale)) == [("bundle", None, 0, 0), (*TAKEN, 2, 0), (*TAKEN, 4, 0)]
    assert [shop.on_hand(each) for each in (wrong, right, extra)] == [5, 3, 1]
    assert_proof_holds(shop)
    third = give(shop, old, NO_GOODS, seen=second.meaning_id)
    reopen(shop, sale, second.meaning_id)
    assert live(shop, sale) == [SETTLED]
    assert [shop.on_hand(each) for each in (wrong, right, extra)] == [5, 5, 5]
    assert cases(shop, sale) == []
    assert_proof_holds(shop)
    give(shop, old, variant(right), seen=third.meaning_id)
    reopen(shop, sale, third.meaning_id)
    assert (live(shop, sale), shop.on_hand(right)) == ([(*TAKEN, 2, 0)], 3)
    assert_proof_holds(shop)


def test_a_meaning_of_one_order_can_be_ended_and_reopened_too(shop: Shop) -> None:
    old, shoe = code("OLD"), shop.variant(5)
    sale = Sale(lines=[(old, 1)])
    sell(shop, sale)
    chosen = {"order_id": order_id(shop, sale), "line_id": line_of(shop, sale), "key": key()}
    shop.run(meanings.choose, "Sam", meaning=variant(shoe), **chosen)
    row = shop.run(meanings.meanings, search=old)[0]
    shop.run(meanings.end, "Sam", meaning_id=row.meaning_id)
    reopen(shop, sale, row.meaning_id)
    assert (states(shop, sale), shop.on_hand(shoe)) == ([UNKNOWN], 5)
    ended = shop.run(meanings.meanings, search=old, in_force=False)
    assert [(each.ended_by, each.orders) for each in ended] == [("Sam", 0)]


def test_what_came_back_was_decided_about_or_settled_is_kept_and_named(shop: Shop) -> None:
    old, shoe = code("OLD"), shop.variant(9)
    given = give(shop, old, variant(shoe))
    back, broken, given_up, untouched = (Sale(lines=[(old, units)]) for units in (1, 1, 50, 1))
    sell(shop, back, broken, given_up, untouched)
    for sale, what in ((back, Disposition.RESTOCK), (broken, Disposition.DAMAGED)):
        decision = refunds.Decision(line_id=line_of(shop, sale), disposition=what, quantity=1)
        shop.run(refunds.decide, "Sam", refund_id=tell_refund(shop, sale), decisions=[decision], key=key())
    shop.run(handling.resolve, "Sam", alert_ids=[case_of(shop, given_up)], reason="Refunded the buyer")
    shop.run(meanings.end, "Sam", meaning_id=given.meaning_id)
    assert shop.run(meanings.touched, meaning_id=given.meaning_id) == (order_id(shop, untouched),)
    said = [
        (back, "came back after a refund"), (broken, "was decided about after a refund"),
        (given_up, "was settled by a person"),
    ]  # fmt: skip
    for sale, why in said:
        before = states(shop, sale)
        assert reopen(shop, sale, given.meaning_id) == [why]
        assert states(shop, sale) == before
    kept = [(each.order_id, each.code, each.kept) for each in shop.run(meanings.kept, meaning_id=given.meaning_id)]
    assert sorted(kept) == sorted((order_id(shop, sale), old, why) for sale, why in said)
    assert_proof_holds(shop)


def test_the_other_lines_of_a_reopened_order_stay_as_they_are(shop: Shop) -> None:
    old, shoe, other = code("OLD"), shop.variant(5), shop.variant(5, sku=code("OTHER"))
    name = str(shop.sql("select sku from public.product_variants where id = :id", id=other))
    given = give(shop, old, bundle((shoe, 2)))
    sale = Sale(lines=[(name, 1), (old, 1), (name, 1)])
    sell(shop, sale)
    shop.run(meanings.end, "Sam", meaning_id=given.meaning_id)
    reopen(shop, sale, given.meaning_id)
    assert live(shop, sale) == [(*TAKEN, 1, 0), UNKNOWN, (*TAKEN, 1, 0)]
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (5, 3)
    assert_proof_holds(shop)


def test_a_part_that_was_undone_by_hand_is_not_put_back_twice(shop: Shop) -> None:
    old, shoe, socks = code("OLD"), shop.variant(5), shop.variant(5)
    given, sale = give(shop, old, bundle((shoe, 1), (socks, 1))), Sale(lines=[(old, 1)])
    sell(shop, sale)
    sold = shop.sql("select max(id) from public.stock_movements where variant_id = :id", id=socks)
    shop.run(ledger.undo, "Mia", movement_ids=[sold], key=key(), note="a slip")
    shop.run(meanings.end, "Sam", meaning_id=given.meaning_id)
    reopen(shop, sale, given.meaning_id)
    assert (live(shop, sale), shop.on_hand(shoe), shop.on_hand(socks)) == ([UNKNOWN], 5, 5)
    assert_proof_holds(shop)


def test_the_second_person_on_an_older_page_sees_what_was_decided_meanwhile(shop: Shop) -> None:
    name, shoe = code("SHIPPING"), shop.variant(5)
    first = give(shop, name, NO_GOODS, who="Sam", seen=None)
    with pytest.raises(InvalidInput, match=f"by Sam meanwhile: {name} means no goods. Nothing was changed"):
        give(shop, name, variant(shoe), who="Mia", seen=None)
    assert give(shop, name, NO_GOODS, who="Mia", seen=None).meaning_id == first.meaning_id, "the same is no conflict"
    second = give(shop, name, variant(shoe), who="Mia", seen=first.meaning_id)
    with pytest.raises(InvalidInput, match="ended by Mia already"):
        shop.run(meanings.end, "Sam", meaning_id=first.meaning_id)
    shop.run(meanings.end, "Sam", meaning_id=second.meaning_id)
    with pytest.raises(InvalidInput, match="no meaning anymore: Sam ended it"):
        give(shop, name, NO_GOODS, who="Mia", seen=second.meaning_id)


@pytest.mark.parametrize("_", range(3))
def test_of_two_people_who_give_different_meanings_at_once_one_wins_and_the_other_is_told(shop: Shop, _: int) -> None:
    name, shoe = code("RACE"), shop.variant(5)
    sale, start = Sale(lines=[(name, 1)]), threading.Barrier(2)
    sell(shop, sale)
    shop.person("Sam"), shop.person("Mia")

    def say(who: str, meaning: meanings.Meaning) -> StockError | None:
        start.wait(10)
        try:
            give(shop, name, meaning, who=who)
        except StockError as error:
            return error
        return None

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(say, ("Sam", "Mia"), (NO_GOODS, variant(shoe))))
    assert sorted(type(error).__name__ for error in found) == ["InvalidInput", "NoneType"]
    assert "Nothing was changed" in str(next(error for error in found if error))
    assert states(shop, sale) == ([SETTLED] if found[0] is None else [(*TAKEN, 1, 0)])
    assert shop.on_hand(shoe) == (5 if found[0] is None else 4)


def test_reopening_and_retrying_at_once_lose_no_unit(shop: Shop) -> None:
    old, shoe, other = code("OLD"), shop.variant(20), shop.variant(20)
    given, sales = give(shop, old, bundle((shoe, 1), (other, 1))), [Sale(lines=[(old, 1)]) for _ in range(4)]
    sell(shop, *sales)
    give(shop, old, bundle((other, 2), (shoe, 3)), seen=given.meaning_id)
    orders, start = [order_id(shop, sale) for sale in sales], threading.Barrier(8)
    for who in ("Sam", "Mia"):
        shop.person(who)

    def work(number: int) -> None:
        start.wait(10)
        order = orders[number % 4]
        if number < 4:
            shop.run(meanings.reopen, "Sam", order_id=order, meaning_id=given.meaning_id, key=uuid.uuid4().hex)
        else:
            shop.run(finishing.retry_order, "Mia", order_id=order, key=uuid.uuid4().hex)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(work, range(8)))
    for sale in sales:
        assert sorted(live(shop, sale)) == [("bundle", None, 0, 0), (*TAKEN, 2, 0), (*TAKEN, 3, 0)]
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (8, 12)
    assert_proof_holds(shop)
