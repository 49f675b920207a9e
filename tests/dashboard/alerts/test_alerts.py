"""Alerts: failed stock updates come first until they are resolved, and everybody sees who did what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.sales import StripeEvent
from core.inbox import messages as inbox
from tests.dashboard.tabs import Tabs, field, labels, press, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, case_of, order_id, sell, states, tell_refund

__all__ = ["tabs"]


def kinds(tab: AppTest) -> list[str]:
    return [kind for kinds in table(tab, "step")["kind"] for kind in kinds]


@pytest.fixture
def troubles(embedded_shop: Shop) -> dict[str, Sale]:
    """A shop with a short order, one whose code nobody knows, an unread cart, and a message that cannot be read."""
    embedded_shop.variant(on_hand=1, sku="A-1", product="Runner")
    unread = {"number": "WEB-3", "amount": 500, "cart_state": "unreadable", "cart_raw": "{[", "why": "it is cut"}
    found = {
        "unread": Sale(lines=[], more=unread),
        "short": Sale(lines=[("A-1", 3)], more={"number": "WEB-1", "email": "kim@buyer.example"}),
        "unknown": Sale(lines=[("OLD-A", 1)], more={"number": "WEB-2"}),
    }
    for sale in found.values():
        sell(embedded_shop, sale)
    return found


def park(shop: Shop) -> int:
    """Let a Stripe message fail permanently; returns its case."""
    event = StripeEvent(event_id="evt_1", kind="charge.refunded", created_at=datetime.now(UTC), livemode=False,
                        account=None, api_version=None, object_id=None)  # fmt: skip
    shop.run(inbox.receive, messages=[inbox.Incoming(event=event, body="{}", source="poll")])
    shop.run(
        inbox.put_off, id=shop.sql("select id from stockroom.stripe_events"), why="No such charge.", is_lasting=True
    )
    return int(shop.sql("select id from stockroom.alerts where kind = 'import_error'"))


def open_case(tabs: Tabs, name: str, which: Sale) -> AppTest:
    return tabs.open(name, "alerts", alert=str(case_of(tabs.shop, which)))


def test_a_shop_in_order_says_that_no_update_failed(tabs: Tabs) -> None:
    said = words_of(tabs.open("Wanda", "alerts"))
    assert "No failed updates" in said
    assert "There has been none so far." in said


STEPS = {
    "Wanda": ["Open", "Try again", "Open"],
    "Sam": ["Enter lines", "Try again", "What is it?"],
    "Mia": ["Enter lines", "Ship what is there", "What is it?"],
    "Ada": ["Enter lines", "Ship what is there", "What is it?"],
}
"""The next steps that each person may take."""


@pytest.mark.parametrize("name", STEPS)
def test_everybody_sees_the_cases_with_stock_that_did_not_leave_the_shelf_first(
    tabs: Tabs, troubles: dict[str, Sale], name: str
) -> None:
    tab = tabs.open(name, "alerts")
    assert kinds(tab) == ["Cart not read", "Not enough stock", "Unknown code"]
    row = table(tab, "step").iloc[1]
    assert (row["name"], row["buyer"]) == ("WEB-1", "kim@buyer.example")
    assert row["what"] == "3 \N{MULTIPLICATION SIGN} A-1, 1 available"
    assert (row["units"], row["money"], row["since"], row["state"]) == ("3", "$30.00", "just now", "Open")
    assert list(table(tab, "step")["step"]) == STEPS[name]
    assert "3 failed updates, the oldest first. At stake: 4 units and $45.00." in words_of(tab)


def test_carl_sees_no_case(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    tab = tabs.open("Carl")
    assert "Your session has ended" in words_of(tab)
    assert not tab.dataframe


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"alr_q": "kim@"}, ["Not enough stock"]),
        ({"alr_q": "web-2"}, ["Unknown code"]),
        ({"alr_kind": "Cart not read"}, ["Cart not read"]),
        ({"alr_kind": ["Unknown code", "Cart not read"], "alr_state": "Open"}, ["Cart not read", "Unknown code"]),
        ({"alr_state": "Nonsense"}, ["Cart not read", "Not enough stock", "Unknown code"]),
    ],
)
def test_the_filters_of_cases_are_in_the_address(
    tabs: Tabs, troubles: dict[str, Sale], query: dict[str, str | list[str]], found: list[str]
) -> None:
    assert kinds(tabs.open("Sam", "alerts", **query)) == found


def test_what_matches_no_case_says_so_with_the_way_back(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    tab = tabs.open("Sam", "alerts", alr_state="Resolved")
    assert "No case matches" in words_of(tab)
    assert len(kinds(press(tab, "Clear filters"))) == 3


def test_pages_of_cases_go_on_and_back(tabs: Tabs, embedded_shop: Shop) -> None:
    sell(embedded_shop, *(Sale(lines=[(f"OLD-{n:02}", 1)]) for n in range(55)))
    tab = tabs.open("Mia", "alerts")
    assert len(kinds(tab)) == 50
    assert len(kinds(press(tab, "Next"))) == 5
    assert len(kinds(press(tab, "Previous"))) == 50
    assert "so this is the first page" in words_of(tabs.open("Sam", "alerts", alr_page="nonsense"))


def test_a_case_shows_what_failed_why_and_how_much(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    said = words_of(open_case(tabs, "Wanda", troubles["short"]))
    assert "Order WEB-1: 1 of 1 lines not taken off the shelf" in said
    assert "1 available" in said
    assert "Case opened" in said


def test_a_case_says_what_to_do_about_it(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    tab = open_case(tabs, "Wanda", troubles["short"])
    assert "What to do" in [part.label for part in tab.expander]
    assert "The other lines of the order have left the shelf" in words_of(tab)


def test_the_runbook_is_a_page_for_everybody(tabs: Tabs) -> None:
    assert "Unknown code" in words_of(tabs.open("Wanda", "runbook"))


@pytest.mark.parametrize("asked", ["0", "999999999", "9" * 40, "-1", "'; drop table alerts", "²"])
def test_a_link_to_a_case_that_is_not_one_says_so(tabs: Tabs, troubles: dict[str, Sale], asked: str) -> None:
    tab = tabs.open("Mia", "alerts", alert=asked)
    assert "There is no such case" in words_of(tab)
    assert len(kinds(press(tab, "All cases"))) == 3


@pytest.mark.parametrize(
    ("name", "which", "offered"),
    [
        ("Wanda", "short", {"Try again", "Acknowledge"}),
        ("Sam", "short", {"Try again", "Acknowledge", "Resolve"}),
        ("Mia", "short", {"Try again", "Acknowledge", "Resolve", "Ship what is in stock"}),
        ("Wanda", "unknown", {"Try again", "Acknowledge"}),
        ("Sam", "unknown", {"Try again", "Acknowledge", "Resolve", "Save and try again"}),
        ("Wanda", "unread", {"Acknowledge"}),
        ("Sam", "unread", {"Acknowledge", "Resolve"}),
    ],
)
def test_each_role_is_offered_what_it_may_do_with_a_case(
    tabs: Tabs, troubles: dict[str, Sale], name: str, which: str, offered: set[str]
) -> None:
    tab = open_case(tabs, name, troubles[which])
    actions = {"Try again", "Acknowledge", "Resolve", "Ship what is in stock", "Save and try again", "Undo"}
    assert set(labels(tab)) & actions == offered


def test_a_case_is_acknowledged_retried_and_resolves_itself(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    tab = press(open_case(tabs, "Wanda", troubles["short"]), "Acknowledge")
    assert "Acknowledged" in words_of(tab)
    tabs.shop.adjust(tabs.shop.sql("select id from product_variants where sku = 'A-1'"), 9)
    said = words_of(press(tab, "Try again"))
    assert "All lines are complete." in said
    assert "Resolved by Wanda" in said
    assert "Try again" not in labels(tab)
    assert kinds(tabs.open("Sam", "alerts")) == ["Cart not read", "Unknown code"]


def test_a_case_is_resolved_with_a_reason_and_never_without(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    tab = press(open_case(tabs, "Sam", troubles["unread"]), "Resolve")
    assert "Reason must not be empty. Nothing was changed." in words_of(tab)
    field(tab, "text_input", "Reason").input("Shipped by hand")
    said = words_of(press(tab, "Resolve"))
    assert "Resolved by Sam" in said
    assert "Shipped by hand" in said


def test_what_came_with_the_payment_is_shown_where_a_cart_could_not_be_read(
    tabs: Tabs, troubles: dict[str, Sale]
) -> None:
    tab = open_case(tabs, "Wanda", troubles["unread"])
    assert any("[" in str(found.value) for found in tab.table)
    assert "Support, a manager or an admin enters the lines of this order: Enter lines." in words_of(tab)


def test_a_message_that_could_not_be_read_is_tried_again(tabs: Tabs) -> None:
    case = park(tabs.shop)
    tab = tabs.open("Wanda", "alerts", alert=str(case))
    assert "charge refunded" in str(tab.table[0].value)
    assert "The message is in the inbox again" in words_of(press(tab, "Try again"))
    assert tabs.shop.sql("select state from stockroom.stripe_events") == "new"
    assert "Retried" in words_of(tab)


def test_two_people_at_once_resolve_a_case_once(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    tab = open_case(tabs, "Sam", troubles["short"])
    field(tab, "text_input", "Reason").input("Refunded")
    tabs.shop.sql(
        "update stockroom.alerts set state = 'resolved', resolved_at = now(), resolved_by = 'Mia' where id = :id",
        id=case_of(tabs.shop, troubles["short"]),
    )
    assert states(tabs.shop, troubles["short"])[0][0] == "failed"
    said = words_of(press(tab, "Resolve"))
    assert "Resolved by Mia" in said
    assert "Resolve" not in labels(tab)


# ---------------------------------------------------------------- the way there


def test_the_overview_counts_open_cases_and_refunds_and_leads_to_them(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    sold = Sale(lines=[("A-1", 1)])
    sell(tabs.shop, sold)
    tell_refund(tabs.shop, sold)
    tab = tabs.open("Sam")
    said = words_of(tab)
    assert "3 failed updates" in said
    assert "WEB-3" in said, "an unread cart is a failed update"
    assert "1 refund to decide" in said
    links = {link.proto.label: link.proto.query_string for link in tab.get("page_link")}
    assert links["**1\N{NO-BREAK SPACE}refund to decide**"] == "ord_view=Refunds+to+decide"


def test_an_overview_without_cases_speaks_of_none(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=5)
    said = words_of(tabs.open("Sam"))
    assert "No failed updates" in said
    assert "low level" not in said
    assert "refund" not in said


def test_a_case_leads_to_its_order_and_back(tabs: Tabs, troubles: dict[str, Sale]) -> None:
    queries = [link.proto.query_string for link in open_case(tabs, "Sam", troubles["short"]).get("page_link")]
    number = order_id(tabs.shop, troubles["short"])
    assert f"order={number}" in queries
    queries = [link.proto.query_string for link in tabs.open("Sam", "orders", order=str(number)).get("page_link")]
    assert f"alert={case_of(tabs.shop, troubles['short'])}" in queries
