"""The form about refunded goods: what it proposes, confirms, refuses on an old page, and takes back."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.sales import Disposition
from core.orders import refunds
from core.orders.refunds import Decision
from dashboard.orders import listing, outcomes
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop, key
from tests.support.selling import Sale, line_of, order_id, seen_now, sell, tell_refund

__all__ = ["tabs"]

RESTOCK, DAMAGED, NOT_RETURNED = Disposition.RESTOCK, Disposition.DAMAGED, Disposition.NOT_RETURNED


@pytest.fixture
def sale(embedded_shop: Shop) -> Sale:
    """Two pairs of A-1 and three of B-1 at 10.00 each, on hand 8 and 7."""
    embedded_shop.variant(on_hand=10, sku="A-1", product="Runner", size="42")
    embedded_shop.variant(on_hand=10, sku="B-1", product="Boot")
    sold = Sale(lines=[("A-1", 2)], more={"number": "WEB-1", "email": "kim@buyer.example"})
    sell(embedded_shop, sold)
    return sold


def inbox(tabs: Tabs, name: str = "Sam") -> AppTest:
    return tabs.open(name, "orders", ord_view="Refunds to decide")


def order(tabs: Tabs, sale: Sale, name: str = "Sam") -> AppTest:
    return tabs.open(name, "orders", order=str(order_id(tabs.shop, sale)))


def choose(tab: AppTest, what: Disposition, units: int = 1, nth: int = 0) -> None:
    """Leave the proposal aside and say what became of so many units of a line."""
    for label in outcomes.LABELS.values():
        for found in [each for each in tab.text_input if each.label == label][nth : nth + 1]:
            found.set_value("")
    field(tab, "text_input", outcomes.LABELS[what], nth).set_value(str(units))


def decide_elsewhere(shop: Shop, sale: Sale, refund: int, what: Disposition, who: str = "Mia") -> None:
    said = [Decision(line_id=line_of(shop, sale), disposition=what, quantity=1)]
    shop.run(refunds.decide, who, refund_id=refund, decisions=said, key=key(), seen=seen_now(shop, refund))


def on_hand(tabs: Tabs) -> int:
    return int(tabs.shop.sql("select stock_quantity from product_variants where sku = 'A-1'"))


# ---------------------------------------------------------------- the proposal


def test_the_form_shows_prices_and_proposes_the_units_that_the_money_fits(tabs: Tabs, sale: Sale) -> None:
    tell_refund(tabs.shop, sale, amount=1000)
    tab = inbox(tabs)
    said = words_of(tab)
    assert "$10.00 of $20.00 were refunded: 1 of 2 units." in said
    assert "Runner · size 42, $10.00 each" in said
    assert field(tab, "text_input", "Back on the shelf").value == "1"


def test_a_line_without_a_price_shows_its_share_of_the_money(tabs: Tabs, sale: Sale) -> None:
    line = {"code": "B-1", "codes": [], "quantity": 2, "unit_price": None}
    bare = Sale(lines=[], more={"number": "WEB-3", "amount": 2100, "extras": None, "lines": [line]})
    sell(tabs.shop, bare)
    tell_refund(tabs.shop, bare, amount=1050)
    said = words_of(inbox(tabs))
    assert "Boot, without a price, about $10.50 each" in said
    assert "$10.50 of $21.00 were refunded: 1 of 2 units." in said


def test_a_full_refund_proposes_all_units(tabs: Tabs, sale: Sale) -> None:
    tell_refund(tabs.shop, sale)
    tab = inbox(tabs)
    assert "were refunded:" not in words_of(tab)
    assert field(tab, "text_input", "Back on the shelf").value == "2"


def test_money_that_fits_no_unit_says_so(tabs: Tabs, sale: Sale) -> None:
    tell_refund(tabs.shop, sale, amount=300)
    assert "$3.00 of $20.00 were refunded: less than one more unit cost." in words_of(inbox(tabs))


def test_more_units_than_the_money_fits_are_said_and_confirmed(tabs: Tabs, sale: Sale) -> None:
    tell_refund(tabs.shop, sale, amount=1000)
    tab = inbox(tabs)
    assert not tab.checkbox
    choose(tab, RESTOCK, 2)
    said = words_of(press(tab, "Decide"))
    assert "$10.00 of $20.00 were refunded, and 2 units cost $20.00: choose fewer, or confirm that all" in said
    assert "of them are meant. Nothing was changed." in said
    assert on_hand(tabs) == 8
    press(tab, "Decide")
    assert on_hand(tabs) == 8, "pressing again without confirming changes nothing"
    assert field(tab, "text_input", "Back on the shelf").value == "2", "what was typed is kept"
    (confirm,) = tab.checkbox
    assert confirm.label == "Yes, 2\N{NO-BREAK SPACE}units are meant, more than the money fits"
    confirm.check()
    assert "Back on the shelf. A-1: 8 → 10" in words_of(press(tab, "Decide"))


# ---------------------------------------------------------------- a page opened before


@pytest.mark.parametrize("first", [RESTOCK, NOT_RETURNED])
def test_a_page_opened_before_a_decision_changes_nothing_and_says_what_was_decided(
    tabs: Tabs, sale: Sale, first: Disposition
) -> None:
    refund = tell_refund(tabs.shop, sale, amount=1000)
    tab = inbox(tabs)
    choose(tab, RESTOCK, 1)
    decide_elsewhere(tabs.shop, sale, refund, first)
    before = on_hand(tabs)
    said = words_of(press(tab, "Decide"))
    assert "In the meantime: Mia decided “" in said
    assert "1 unit of A-1” (" in said
    assert "Nothing was changed." in said
    assert on_hand(tabs) == before
    assert tabs.shop.sql("select count(*) from stockroom.refund_decisions") == 1


def test_a_form_that_is_drawn_again_after_a_decision_starts_again(tabs: Tabs, sale: Sale) -> None:
    refund = tell_refund(tabs.shop, sale)
    tab = order(tabs, sale)
    choose(tab, RESTOCK, 2)
    decide_elsewhere(tabs.shop, sale, refund, Disposition.INSPECT)
    said = words_of(run(tab))
    assert "Something was decided about this order in the meantime, so this form starts again." in said
    assert "Inspect first: 1 unit of A-1" in said
    assert field(tab, "text_input", "Back on the shelf").value == "", "after an inspection nothing is proposed"
    choose(tab, RESTOCK, 2)
    assert "A-1: 8 → 10" in words_of(press(tab, "Decide"))


# ---------------------------------------------------------------- taking back


def test_support_undoes_its_own_decision_from_the_message(tabs: Tabs, sale: Sale) -> None:
    tell_refund(tabs.shop, sale)
    tab = inbox(tabs)
    choose(tab, RESTOCK, 2)
    press(tab, "Decide")
    assert on_hand(tabs) == 10
    said = words_of(press(tab, "Undo"))
    assert "Taken back. A-1: 10 → 8" in said
    assert "1 refund to decide" in said
    assert on_hand(tabs) == 8


def test_support_undoes_a_decision_without_stock_from_the_order(tabs: Tabs, sale: Sale) -> None:
    refund = tell_refund(tabs.shop, sale)
    decide_elsewhere(tabs.shop, sale, refund, DAMAGED, who="Sam")
    tab = press(order(tabs, sale), "Undo")
    said = words_of(tab)
    assert "Taken back." in said
    assert "~~Came back damaged: 1 unit of A-1~~" in said
    assert "taken back by Sam" in said
    assert "Undo" not in labels(tab)
    assert tabs.shop.sql("select state from stockroom.refunds") == "waiting"


@pytest.mark.parametrize(("name", "is_offered"), [("Sam", False), ("Wanda", False), ("Mia", True), ("Ada", True)])
def test_what_somebody_else_decided_is_undone_by_a_manager(tabs: Tabs, sale: Sale, name: str, is_offered: bool) -> None:
    refund = tell_refund(tabs.shop, sale)
    decide_elsewhere(tabs.shop, sale, refund, RESTOCK, who="Ada")
    tab = order(tabs, sale, name)
    assert ("Undo" in labels(tab)) is is_offered
    if is_offered:
        assert "Taken back. A-1: 9 → 8" in words_of(press(tab, "Undo"))


# ---------------------------------------------------------------- without a refund


def test_goods_that_came_back_without_a_refund_are_taken_in_and_undone_by_support(tabs: Tabs, sale: Sale) -> None:
    tab = order(tabs, sale)
    tab.session_state["ord_take_in"] = True
    run(tab)
    assert field(tab, "selectbox", "Reason").value.reason == "exchange"
    field(tab, "text_input", "Came back").set_value("1")
    said = words_of(press(tab, "Take in"))
    assert "Back on the shelf. A-1: 8 → 9" in said
    assert "Back on the shelf: 1 unit of A-1" in said
    (movement,) = tabs.shop.rows("select * from stock_movements where movement_type = 'restoration'")
    assert (movement.reason, movement.reference_id, movement.performed_by) == ("exchange", "WEB-1", "Sam")
    latest = tabs.shop.sql("select key from stockroom.operations order by id desc limit 1")
    tab.button(key=f"take_back_{latest}").click()
    assert "Taken back. A-1: 9 → 8" in words_of(run(tab))


def test_goods_that_came_back_without_any_units_are_refused_in_words(tabs: Tabs, sale: Sale) -> None:
    tab = order(tabs, sale)
    tab.session_state["ord_take_in"] = True
    said = words_of(press(run(tab), "Take in"))
    assert "Goods need at least one line. Nothing was changed." in said


def test_a_refund_that_waits_is_named_before_goods_are_taken_in(tabs: Tabs, sale: Sale) -> None:
    tell_refund(tabs.shop, sale)
    tab = order(tabs, sale, "Mia")
    tab.session_state["ord_take_in"] = True
    assert "If these are its goods, decide them there." in words_of(run(tab))
    assert field(tab, "selectbox", "Reason").value.reason == "refund"


def test_wanda_is_not_offered_to_take_goods_in(tabs: Tabs, sale: Sale) -> None:
    assert "Other returns" not in words_of(order(tabs, sale, "Wanda"))
    assert "Other returns" in words_of(order(tabs, sale, "Sam"))


# ---------------------------------------------------------------- badges


@pytest.mark.parametrize(("amount", "badge"), [(1000, "Refunded in part"), (2000, "Refunded")])
def test_refunded_and_refunded_in_part_are_two_badges(tabs: Tabs, sale: Sale, amount: int, badge: str) -> None:
    other = Sale(lines=[("B-1", 1)], more={"number": "WEB-2"})
    sell(tabs.shop, other)
    refund = tell_refund(tabs.shop, sale, amount=amount)
    decide_elsewhere(tabs.shop, sale, refund, DAMAGED)
    assert f"{badge}]" in words_of(order(tabs, sale))
    for state in ("Refunded", "Refunded in part"):
        assert state in listing.STATES
        assert ("No order matches" in words_of(tabs.open("Sam", "orders", ord_state=state))) is (state != badge)
    rows = table(tabs.open("Sam", "orders"), "buyer").set_index("order")
    assert list(rows.loc["WEB-1"]["state"]) == [badge]
    assert list(rows.loc["WEB-2"]["state"]) == ["Off the shelf"]


def test_the_next_refund_stays_closed_where_a_second_click_would_decide_it_unseen(tabs: Tabs) -> None:
    sales = [Sale(lines=[("TRAIL-42", 1)]) for _ in range(2)]
    tabs.shop.variant(9, sku="TRAIL-42")
    sell(tabs.shop, *sales)
    for sale in sales:
        tell_refund(tabs.shop, sale)
    tab = inbox(tabs)
    assert labels(tab).count("Decide") == 1
    press(tab, "Decide")
    assert "1 refund to decide" in words_of(tab)
    assert "Decide" not in labels(tab), "it opens when somebody opens it"
    assert labels(run(tab)).count("Decide") == 0, "and not later by itself"
    assert labels(inbox(tabs)).count("Decide") == 1
