"""Orders: search, one order with its timeline, cases and refunds, without doing anything twice."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.model import Actor
from core.foundation.sales import Disposition
from core.ledger.holds import Wanted, hold
from dashboard.frame.words import MINUS
from dashboard.orders import notice, outcomes
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, line_of, order_id, sell, states, tell_refund

__all__ = ["tabs"]


def orders(tab: AppTest) -> list[str]:
    return list(table(tab, "order")["order"])


def sale(number: str, *lines: tuple[str, int], **more: object) -> Sale:
    return Sale(lines=list(lines), more={"number": number, "email": f"{number.lower()}@buyer.example"} | more)


@pytest.fixture
def selling(embedded_shop: Shop) -> dict[str, Sale]:
    """A shop that sold: an order in order, a short one, one with an unknown code, and one without a cart."""
    embedded_shop.variant(on_hand=10, sku="A-1", product="Runner", size="42")
    embedded_shop.variant(on_hand=1, sku="B-1", product="Boot")
    found = {
        "whole": sale("WEB-1", ("A-1", 2)),
        "short": sale("WEB-2", ("A-1", 1), ("B-1", 3)),
        "unknown": sale("WEB-3", ("OLD-A", 1)),
        "unread": sale("WEB-4", cart_state="unreadable", cart_raw='[{"sku":"A', why="its cart is cut off"),
    }
    sell(embedded_shop, *found.values())
    return found


def open_order(tabs: Tabs, name: str, which: Sale) -> AppTest:
    return tabs.open(name, "orders", order=str(order_id(tabs.shop, which)))


def pay_back(tabs: Tabs, which: Sale, **more: object) -> int:
    return tell_refund(tabs.shop, which, **more)


# ---------------------------------------------------------------- the list


def test_a_shop_without_orders_says_where_they_come_from(tabs: Tabs) -> None:
    said = words_of(tabs.open("Wanda", "orders"))
    assert "There are no orders yet" in said
    assert "arrive from Stripe automatically" in said


@pytest.mark.parametrize("is_set", [False, True])
def test_without_a_key_of_stripe_one_sentence_says_what_to_set(
    tabs: Tabs, monkeypatch: pytest.MonkeyPatch, is_set: bool
) -> None:
    monkeypatch.setattr(notice, "is_connected", lambda: is_set)
    for page in ("orders", "alerts"):
        assert ("An admin can connect it." in words_of(tabs.open("Mia", page))) is not is_set


@pytest.mark.parametrize("name", ["Wanda", "Sam", "Mia", "Ada"])
def test_everybody_sees_the_orders_and_what_each_needs(tabs: Tabs, selling: dict[str, Sale], name: str) -> None:
    tab = tabs.open(name, "orders")
    rows = table(tab, "buyer").set_index("order")
    assert list(rows.loc["WEB-1"]["state"]) == ["Off the shelf"]
    assert list(rows.loc["WEB-2"]["state"]) == ["Open"]
    assert list(rows.loc["WEB-4"]["state"]) == ["Open", "Cart not read"]
    assert (rows.loc["WEB-2"]["amount"], rows.loc["WEB-2"]["units"]) == ("$40.00", "4")
    assert "4 orders, newest first. Times are in Pacific/Auckland." in words_of(tab)


def test_carl_sees_no_order(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = tabs.open("Carl")
    assert "Your session has ended" in words_of(tab)
    assert not tab.dataframe


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"ord_q": "web-2@BUYER"}, ["WEB-2"]),
        ({"ord_q": "web-"}, ["WEB-4", "WEB-3", "WEB-2", "WEB-1"]),
        ({"ord_q": "b-1"}, ["WEB-2", "WEB-1"]),  # a line of the one, a part of the email of the other
        ({"ord_state": "Open"}, ["WEB-4", "WEB-3", "WEB-2"]),
        ({"ord_state": "Cart not read"}, ["WEB-4"]),
        ({"ord_state": "Open", "ord_q": "a-1"}, ["WEB-2"]),
        ({"ord_state": "Nonsense", "ord_from": "not a day"}, ["WEB-4", "WEB-3", "WEB-2", "WEB-1"]),
    ],
)
def test_the_filters_of_orders_are_in_the_address(
    tabs: Tabs, selling: dict[str, Sale], query: dict[str, str], found: list[str]
) -> None:
    assert orders(tabs.open("Sam", "orders", **query)) == found


def test_what_matches_nothing_says_so_with_the_way_back(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = tabs.open("Sam", "orders", ord_q="'; drop table orders; --")
    assert "No order matches" in words_of(tab)
    assert len(orders(press(tab, "Clear filters"))) == 4


def test_pages_of_orders_go_to_older_and_back(tabs: Tabs, embedded_shop: Shop) -> None:
    sell(embedded_shop, *(sale(f"W-{n:02}") for n in range(60)))
    tab = tabs.open("Mia", "orders")
    assert (orders(tab)[0], len(orders(tab))) == ("W-59", 50)
    assert orders(press(tab, "Older"))[0] == "W-09"
    link = tab.query_params["ord_page"]
    assert orders(tabs.open("Sam", "orders", ord_page=link))[0] == "W-09", "the link opens the same page for others"
    assert orders(press(tab, "Newer"))[0] == "W-59"
    assert "so this is the first page" in words_of(tabs.open("Sam", "orders", ord_page="nonsense"))


# ---------------------------------------------------------------- one order


def test_an_order_is_explained_end_to_end(tabs: Tabs, selling: dict[str, Sale]) -> None:
    said = words_of(open_order(tabs, "Sam", selling["whole"]))
    assert "Order WEB-1" in said
    assert "Runner · size 42, $10.00 each" in said
    assert "2 units paid, all off the shelf." in said
    assert "Paid $20.00" in said
    assert "Order recorded" in said
    assert any(
        f"{MINUS}2\N{NO-BREAK SPACE}units of A" in label for label in labels(open_order(tabs, "Sam", selling["whole"]))
    )
    assert "Stripe, " in said


@pytest.mark.parametrize("asked", ["0", "999999999", "9" * 40, "-1", "'; drop table orders", "²"])
def test_a_link_to_an_order_that_is_not_one_says_so(tabs: Tabs, selling: dict[str, Sale], asked: str) -> None:
    tab = tabs.open("Mia", "orders", order=asked)
    assert "There is no such order" in words_of(tab)
    assert len(orders(press(tab, "All orders"))) == 4


def test_a_failed_line_shows_its_cause(tabs: Tabs, selling: dict[str, Sale]) -> None:
    said = words_of(open_order(tabs, "Wanda", selling["short"]))
    assert "3 units paid, none off the shelf: 1 available, 3 needed." in said
    assert "Not enough stock" in said
    said = words_of(open_order(tabs, "Wanda", selling["unknown"]))
    assert "1 unit paid, none off the shelf: no variant has this code." in said


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("Wanda", {"Try again", "Acknowledge"}),
        ("Sam", {"Try again", "Acknowledge", "Resolve"}),
        ("Mia", {"Try again", "Acknowledge", "Resolve", "Ship what is in stock"}),
    ],
)
def test_each_role_is_offered_what_it_may_do(
    tabs: Tabs, selling: dict[str, Sale], name: str, offered: set[str]
) -> None:
    tab = open_order(tabs, name, selling["short"])
    actions = {"Try again", "Acknowledge", "Resolve", "Ship what is in stock", "Save and try again", "Undo"}
    assert set(labels(tab)) & actions == offered
    assert ("can say what codes mean and resolve cases" in words_of(tab)) == (name == "Wanda")


def test_a_retry_takes_the_available_units_and_shows_the_result(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = open_order(tabs, "Wanda", selling["short"])
    assert "Order WEB-2: Still not enough stock. 1 line still open." in words_of(press(tab, "Try again"))
    boot = tabs.shop.sql("select id from product_variants where sku = 'B-1'")
    tabs.shop.adjust(boot, 5)
    said = words_of(press(tab, "Try again"))
    assert "Order WEB-2: 3 units taken off the shelf. All lines are complete." in said
    assert tabs.shop.on_hand(boot) == 3
    assert "Try again" not in labels(tab)
    assert "Undo" not in labels(tab), "what belongs to an order is changed there, not undone"


def test_a_code_is_mapped_and_every_order_that_waits_for_it_is_tried_again(
    tabs: Tabs, selling: dict[str, Sale]
) -> None:
    other = sale("WEB-5", ("OLD-A", 2))
    sell(tabs.shop, other)
    tab = open_order(tabs, "Sam", selling["unknown"])
    field(tab, "text_input", "Find").input("Z-9")
    assert "No variant has the SKU or barcode Z-9." in words_of(press(tab, "Save and try again"))
    field(tab, "text_input", "Find").input("a-1")
    said = words_of(press(tab, "Save and try again"))
    assert "OLD-A means A-1. 2 orders retried, 2 completed." in said
    assert states(tabs.shop, selling["unknown"]) == [("taken", None, 1, 0)]
    assert states(tabs.shop, other) == [("taken", None, 2, 0)]


def test_a_manager_ships_what_is_in_stock_with_a_note(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = open_order(tabs, "Mia", selling["short"])
    press(tab, "Ship what is in stock")
    assert states(tabs.shop, selling["short"])[1][0] == "failed", "without a note nothing happens"
    field(tab, "text_input", "Reason").input("The buyer agreed")
    said = words_of(press(tab, "Ship what is in stock"))
    assert "1 unit taken off the shelf. All lines are complete." in said
    assert "3 units paid, 1 off the shelf, 2 oversold and not taken" in said
    assert states(tabs.shop, selling["short"])[1] == ("resolved", None, 1, 2)


def test_a_case_is_resolved_with_a_reason_that_everybody_sees(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = open_order(tabs, "Sam", selling["short"])
    assert "Oversold afterwards: 3 units." in words_of(tab)
    field(tab, "text_input", "Reason").input("Refunded the buyer")
    said = words_of(press(tab, "Resolve"))
    assert "The case is resolved." in said
    assert "Case resolved · Not enough stock" in said
    assert "Refunded the buyer" in words_of(open_order(tabs, "Wanda", selling["short"]))


def test_a_case_is_acknowledged_once(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = press(open_order(tabs, "Wanda", selling["short"]), "Acknowledge")
    assert "Everybody can see that you are working on it" in words_of(tab)
    assert "Acknowledge" not in labels(tab)


def test_the_code_in_the_cart_is_shown_unless_it_is_an_internal_id(tabs: Tabs) -> None:
    variant_id = tabs.shop.variant(on_hand=9, sku="C-1", barcode="4006381333931")
    sold = sale("WEB-9", (str(variant_id), 1), ("4006381333931", 1))
    sell(tabs.shop, sold)
    said = words_of(open_order(tabs, "Sam", sold))
    assert "(4006381333931 in the cart)" in said
    assert str(variant_id) not in said


def test_the_raw_text_of_a_cart_is_shown_with_the_next_step(tabs: Tabs, selling: dict[str, Sale]) -> None:
    tab = open_order(tabs, "Wanda", selling["unread"])
    assert any("sku" in str(found.value) for found in tab.table)
    assert "Support, a manager or an admin enters the lines of this order: Enter lines." in words_of(tab)


def test_an_order_before_going_live_says_that_it_moved_nothing(tabs: Tabs, selling: dict[str, Sale]) -> None:
    old = sale("WEB-0", ("A-1", 1), policy="skip")
    sell(tabs.shop, old)
    said = words_of(open_order(tabs, "Sam", old))
    assert "1 unit paid before the shop went live: recorded only, no stock moved." in said


def test_names_of_buyers_and_goods_are_shown_letter_by_letter(tabs: Tabs, embedded_shop: Shop) -> None:
    odd = sale("# [x](https://elsewhere.example)", ("*OLD*", 1), name="<b>Kim</b>")
    sell(embedded_shop, odd)
    tab = open_order(tabs, "Sam", odd)
    assert r"Order \# \[x\]\(https\::color[]//elsewhere\.example\)" in [found.value for found in tab.subheader]
    assert any("<b>Kim</b>" in found.value for found in tab.text)


# ---------------------------------------------------------------- refunds


def choose(tab: AppTest, what: Disposition, units: int = 1, nth: int = 0) -> None:
    """Leave the proposal aside and say what became of so many units of a line."""
    for label in outcomes.LABELS.values():
        for found in [each for each in tab.text_input if each.label == label][nth : nth + 1]:
            found.set_value("")
    field(tab, "text_input", outcomes.LABELS[what], nth).set_value(str(units))


def test_refunds_to_decide_say_so_where_there_is_none(tabs: Tabs) -> None:
    said = words_of(tabs.open("Sam", "orders", ord_view="Refunds to decide"))
    assert "No refunds to decide" in said


def test_support_puts_refunded_goods_back_on_the_shelf(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"], reason="requested_by_customer")
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    said = words_of(tab)
    assert "1 refund to decide, oldest first." in said
    assert "paid back, requested by customer" in said
    assert "At most 2 units can go back on the shelf." in said
    choose(tab, Disposition.RESTOCK, 1)
    said = words_of(press(tab, "Decide"))
    assert "Back on the shelf. A-1: 7 → 8" in said
    assert "No refunds to decide" in said
    (movement,) = tabs.shop.rows("select * from stock_movements where movement_type = 'restoration'")
    assert (movement.quantity, movement.performed_by) == (1, "Sam")


def test_one_line_can_be_split_between_the_shelf_and_the_bin(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"])
    tab = tabs.open("Mia", "orders", ord_view="Refunds to decide")
    choose(tab, Disposition.RESTOCK, 1)
    field(tab, "text_input", "Damaged").set_value("1")
    press(tab, "Decide")
    rows = tabs.shop.rows("select disposition, quantity from stockroom.refund_decisions order by id")
    assert {tuple(row) for row in rows} == {("restock", 1), ("damaged", 1)}


def test_a_decision_that_says_nothing_is_refused_in_words(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"])
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    field(tab, "text_input", "Back on the shelf").set_value("")
    press(tab, "Decide")
    assert "Refund needs a decision. Nothing was changed." in words_of(tab)


def test_more_than_was_sold_is_refused_with_the_numbers(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"])
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    choose(tab, Disposition.RESTOCK, 3)
    said = words_of(press(tab, "Decide"))
    assert "More units than were sold: A-1 has 2 units sold, 0 already put back, 3 more requested." in said


def test_what_is_to_be_inspected_stays_in_the_list(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"])
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    choose(tab, Disposition.INSPECT, 2)
    said = words_of(press(tab, "Decide"))
    assert "Decided. No units went back on the shelf." in said
    assert "Inspect first: 2 units of A-1" in said
    assert "To inspect" in said


def test_what_never_left_the_shelf_is_not_offered_to_go_back(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["unknown"])
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    assert "No units left the shelf, so none can go back." in words_of(tab)
    offered = {found.label: found.value for found in tab.text_input}
    assert "Back on the shelf" not in offered
    assert offered["Goodwill"] == offered["Not returned"] == "", "nothing is proposed"


@pytest.mark.parametrize(("name", "may_import"), [("Sam", False), ("Mia", True)])
def test_a_refund_of_an_order_that_was_never_imported_says_so(tabs: Tabs, name: str, may_import: bool) -> None:
    tell_refund(tabs.shop, "pi_nobody_knows")
    tab = tabs.open(name, "orders", ord_view="Refunds to decide")
    assert ("Import orders" in words_of(tab)) is may_import
    assert "The order of this refund has not been imported" in words_of(tab)
    assert "pi_nobody_knows" not in words_of(tab)
    assert "Decide" not in labels(tab)


def test_a_refund_of_an_order_without_lines_is_decided_as_a_whole(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["unread"])
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    assert "The cart of this order is not known here" in words_of(tab)
    what = field(tab, "selectbox", "Outcome")
    assert "Back on the shelf" not in what.options
    what.select(Disposition.GOODWILL)
    press(tab, "Decide")
    assert tabs.shop.sql("select state from stockroom.refunds") == "decided"


def test_wanda_sees_refunds_and_who_decides_them(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"])
    tab = tabs.open("Wanda", "orders", ord_view="Refunds to decide")
    assert "Support, a manager or an admin decides" in words_of(tab)
    assert "Decide" not in labels(tab)


def test_an_order_shows_its_refunds_and_more_can_be_said_of_them_later(tabs: Tabs, selling: dict[str, Sale]) -> None:
    refund = pay_back(tabs, selling["whole"])
    tab = open_order(tabs, "Sam", selling["whole"])
    choose(tab, Disposition.DAMAGED, 1)
    said = words_of(press(tab, "Decide"))
    assert "Came back damaged: 1 unit of A-1" in said
    tab.session_state[f"decide_{refund}"] = True
    choose(run(tab), Disposition.RESTOCK, 1)
    assert "A-1: 7 → 8" in words_of(press(tab, "Decide"))
    line = line_of(tabs.shop, selling["whole"])
    assert tabs.shop.sql("select restored from stockroom.order_lines where id = :id", id=line) == 1


def test_what_somebody_else_decides_meanwhile_is_not_decided_twice(tabs: Tabs, selling: dict[str, Sale]) -> None:
    pay_back(tabs, selling["whole"])
    tab = tabs.open("Sam", "orders", ord_view="Refunds to decide")
    choose(tab, Disposition.RESTOCK, 2)
    tabs.shop.sql("update stockroom.order_lines set restored = 2 where taken = 2")
    said = words_of(press(tab, "Decide"))
    assert "2 already put back, 2 more requested" in said
    assert tabs.shop.sql("select count(*) from stock_movements where movement_type = 'restoration'") == 0


# ---------------------------------------------------------------- what was held


def test_an_order_shows_its_hold_and_how_that_ended(tabs: Tabs, selling: dict[str, Sale]) -> None:
    held = tabs.shop.run(
        hold,
        Actor(name="Web shop"),
        items=[Wanted(sku="A-1", quantity=2)],
        key="hold",
        reference="cart-7",
    )
    paid = sale("WEB-9", ("A-1", 2), reservation_id=str(held.reservation_id))
    sell(tabs.shop, paid)
    said = words_of(open_order(tabs, "Sam", paid))
    assert "Holds before payment" in said
    assert "2 units taken off the shelf" in said
    assert "2 A-1, by Web shop," in said
    assert "for cart-7" in said
    assert "Held" not in words_of(open_order(tabs, "Sam", selling["whole"]))
