"""Reconciliation as people see it: results, verifying now, failures with their links, runs, payment to shelf."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.errors import Unavailable
from core.foundation.model import COMMAND_LINE
from core.proof import runs as proof
from core.proof.checks import CODES
from core.proof.shelf import Number
from core.stripe import gateway
from dashboard.proof import headline, shelf
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.hands import Hand, hand_on
from tests.support.selling import Sale, order_id, sell

__all__ = ["tabs"]


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    with hand_on(monkeypatch, headline.Running, headline.proofs) as hand:
        yield hand


@pytest.fixture
def sold(embedded_shop: Shop, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> dict[str, Sale]:
    """A shop that sold yesterday: one order whole, one that waits for a unit."""
    monkeypatch.setattr(gateway, "from_settings", lambda *_: None)
    embedded_shop.variant(10, sku="HB-40")
    at = datetime.now(UTC) - timedelta(days=1)
    found = {
        "whole": Sale(lines=[("HB-40", 2)], paid_at=at, more={"number": "WEB-1"}),
        "short": Sale(lines=[("HB-40", 90)], paid_at=at, more={"number": "WEB-2"}),
    }
    sell(embedded_shop, *found.values())
    return found


def prove(shop: Shop) -> proof.Run:
    return proof.prove(shop.engine, None, COMMAND_LINE)


def spoil(shop: Shop) -> None:
    """Change a level without a movement, and remove the movements of a line."""
    shop.sql("update product_variants set stock_quantity = 99")
    shop.sql("update stockroom.order_lines set movement_id = null")


def page(tabs: Tabs, person: str = "Mia", **query: str) -> AppTest:
    return tabs.open(person, "reconciliation", **query)


# ---------------------------------------------------------------- the checks


def test_a_shop_that_was_never_verified_says_so(tabs: Tabs, hand: Hand) -> None:
    said = words_of(page(tabs))
    assert "Not verified yet" in said
    assert "First run pending" in said
    assert "No runs yet" in words_of(page(tabs, rec_view="Runs"))
    assert "No payments in this period" in words_of(page(tabs, rec_view="Payment to shelf"))


def test_a_recent_run_calls_only_the_checks_that_it_shortened_new_only(
    tabs: Tabs, sold: dict[str, Sale], hand: Hand
) -> None:
    prove(tabs.shop)
    proof.prove(tabs.shop.engine, None, COMMAND_LINE, full=False)
    rows = table(page(tabs), "when")["when"]
    assert "new only" not in " ".join(rows), "those that it shortened still show the last run of everything"


@pytest.mark.parametrize(("name", "offered"), [("Wanda", False), ("Sam", False), ("Mia", True), ("Ada", True)])
def test_everybody_sees_the_results_and_managers_may_verify(
    tabs: Tabs, sold: dict[str, Sale], name: str, offered: bool
) -> None:
    done = prove(tabs.shop)
    tab = page(tabs, name)
    rows = table(tab, "checked").set_index("code")
    assert tuple(rows.index) == CODES
    assert list(rows.loc["R1"]["state"]) == ["Passed"]
    assert list(rows.loc["R3"]["state"]) == ["Not compared"]
    assert rows.loc["R2"]["checked"] == "2"
    said = words_of(tab)
    assert "All checks passed" in said
    assert "Last verified just now by Command line, everything." in said
    assert "R3: Not compared with Stripe: no key is set." in said
    head = tabs.shop.sql("select encode(head_hash, 'hex') from stockroom.proof_runs where id = :id", id=done.id)
    assert head in [code.value for code in tab.code]
    assert ("Verify now" in labels(tab)) is offered
    assert ("A manager or an admin can run them now" in said) is not offered


def test_carl_sees_nothing_of_the_books(tabs: Tabs, sold: dict[str, Sale]) -> None:
    tab = tabs.open("Carl")
    assert "Your session has ended" in words_of(tab)
    assert not tab.code


def test_failures_are_shown_in_sentences_with_links(tabs: Tabs, sold: dict[str, Sale]) -> None:
    spoil(tabs.shop)
    prove(tabs.shop)
    tab = page(tabs, "Wanda")
    said = words_of(tab)
    assert "2 checks failed" in said
    assert "HB-40 has 99 on hand, but its movements add up to 8, and the last one ends at 8" in said
    assert "Order WEB-1, 2 of HB-40: the ledger sold 0, the order says 2" in said
    assert "Sold and oversold units differ from the cart" in said, "the runbook is shown next to it"
    links = {link.proto.label.replace("\\", ""): link.proto.query_string for link in tab.get("page_link")}
    assert links["HB-40"] == "sku=HB-40"
    assert links["Order WEB-1"] == f"order={order_id(tabs.shop, sold['whole'])}"
    case = tabs.shop.sql("select id from stockroom.alerts where cause = 'proof:R1'")
    assert f"alert={case}" in {
        link.proto.query_string for link in tab.get("page_link") if link.proto.label == "Open case"
    }
    assert "Reconciliation" in words_of(tabs.open("Wanda", "alerts", alert=str(case)))


# ---------------------------------------------------------------- proving now


def test_a_manager_proves_and_everybody_sees_how_far_it_is(tabs: Tabs, sold: dict[str, Sale], hand: Hand) -> None:
    hand.gate.clear()
    tab = press(page(tabs), "Verify now")
    assert "Started by Mia. It continues if you close this page." in words_of(tab)
    assert "Verify now" not in labels(tab)
    assert "Started by Mia" in words_of(page(tabs, "Wanda"))
    hand.let_go()
    said = words_of(run(tab))
    assert "All checks passed" in said
    assert "by Mia, everything" in said


def test_two_presses_are_one_proof(tabs: Tabs, sold: dict[str, Sale], hand: Hand) -> None:
    mine, theirs = page(tabs), page(tabs, "Ada")
    hand.gate.clear()
    press(mine, "Verify now")
    press(theirs, "Verify now")
    hand.let_go()
    assert tabs.shop.sql("select count(*) from stockroom.proof_runs") == 1


def test_only_new_movements_are_verified_if_that_is_chosen(tabs: Tabs, sold: dict[str, Sale], hand: Hand) -> None:
    tab = page(tabs)
    tab.session_state["rec_scope"] = headline.RECENT
    press(tab, "Verify now")
    hand.let_go()
    assert "by Mia, new records only" in words_of(run(tab))
    assert tabs.shop.sql("select is_full from stockroom.proof_runs") is False


def test_a_proof_that_fails_to_run_says_why(
    tabs: Tabs, sold: dict[str, Sale], hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("The database cannot be reached.")

    tab = page(tabs)
    monkeypatch.setattr(proof, "prove", away)
    press(tab, "Verify now")
    hand.let_go()
    assert "The database cannot be reached." in words_of(run(tab))


def test_progress_is_shown_in_steps() -> None:
    running = headline.Running(who="Mia", is_full=True)
    assert headline.progress(running) == "Starting ..."
    running.tell("R2: No movement was edited", 1, 11)
    assert headline.progress(running) == "Step 2 of 11 · R2: No movement was edited"


# ---------------------------------------------------------------- the runs


def test_every_run_stays_with_what_it_found_then(tabs: Tabs, sold: dict[str, Sale]) -> None:
    level = tabs.shop.sql("select stock_quantity from product_variants")
    tabs.shop.sql("update product_variants set stock_quantity = 99")
    bad = prove(tabs.shop)
    tabs.shop.sql("update product_variants set stock_quantity = :level", level=level)
    prove(tabs.shop)
    rows = table(page(tabs, "Sam", rec_view="Runs"), "failing")
    assert [list(row) for row in rows["outcome"]] == [["Not all compared"], ["Failed"]]
    assert list(rows["failing"]) == ["", "R1"]
    tab = page(tabs, "Sam", run=str(bad.id))
    assert "HB-40 has 99 on hand" in words_of(tab)
    assert "Everything, by Command line, in" in words_of(tab)
    assert "All runs" in labels(tab)
    assert "All checks passed" in words_of(press(tab, "All runs"))


@pytest.mark.parametrize("asked", ["0", "999999999", "9" * 40, "-1", "nonsense", "²"])
def test_a_link_to_a_run_that_is_not_one_says_so(tabs: Tabs, sold: dict[str, Sale], asked: str) -> None:
    assert "There is no such run" in words_of(page(tabs, run=asked))


# ---------------------------------------------------------------- payment to shelf


def yesterday(shop: Shop) -> str:
    return str(shop.sql("select max((paid_at at time zone s.zone)::date) from stockroom.orders, stockroom.shop s"))


def test_each_day_shows_the_paid_units_and_where_they_are(tabs: Tabs, sold: dict[str, Sale]) -> None:
    tab = page(tabs, "Wanda", rec_view="Payment to shelf")
    total, day = table(tab, "recorded_only").to_dict("records")
    assert (day["orders"], day["paid"], day["net"], day["waiting"], day["unexplained"]) == ("2", "92", "2", "90", "0")
    assert {name: total[name] for name in Number} == {name: day[name] for name in Number}
    assert "All 92 units paid are explained." in words_of(tab)


def test_a_number_opens_its_list_by_the_address(tabs: Tabs, sold: dict[str, Sale]) -> None:
    query = {"rec_view": "Payment to shelf", "shelf": yesterday(tabs.shop)}
    said = words_of(page(tabs, **query))
    assert "92 units paid in 2 orders 2 units off the shelf" in said
    tab = page(tabs, **query, shelf_of="waiting")
    said = words_of(tab)
    assert "90 units Order WEB-2" in said or "Order WEB-2" in said
    assert ": 90 units" in said
    assert "Case" in said
    tab = page(tabs, **query, shelf_of="net")
    assert labels(tab).count("Movement") == 1
    assert "Order WEB-1" in words_of(tab)
    assert "Order WEB-1" not in words_of(press(tab, "Close"))


@pytest.mark.parametrize(
    "query", [{"shelf": "nonsense"}, {"shelf": "1999-01-01"}, {"shelf": "all", "shelf_of": "x"}, {"shelf_page": "-9"}]
)
def test_an_address_that_names_no_day_or_number_breaks_nothing(
    tabs: Tabs, sold: dict[str, Sale], query: dict[str, str]
) -> None:
    assert "are explained" in words_of(page(tabs, rec_view="Payment to shelf", **query))


def test_unexplained_units_are_shown_first_with_their_day(tabs: Tabs, sold: dict[str, Sale]) -> None:
    spoil(tabs.shop)
    tab = page(tabs, "Sam", rec_view="Payment to shelf", rec_days="7 days")
    said = words_of(tab)
    assert "1 line of 1 day does not add up: +2 units unexplained." in said
    tab = page(tabs, "Sam", rec_view="Payment to shelf", shelf=yesterday(tabs.shop), shelf_of="unexplained")
    assert "+2 units" in words_of(tab)
    assert "Order WEB-1" in words_of(tab)


def test_overview_says_how_yesterday_came_out(
    tabs: Tabs, sold: dict[str, Sale], monkeypatch: pytest.MonkeyPatch
) -> None:
    when = datetime.fromisoformat(yesterday(tabs.shop)).date()
    today = tabs.shop.sql("select today from stockroom_api.shop")
    assert (today - when).days == 1
    assert "Payment to shelf: all 92 units of yesterday explained" in words_of(tabs.open("Wanda"))
    spoil(tabs.shop)
    monkeypatch.setattr(shelf, "_kept", (0.0, None, None))
    assert "1 line of yesterday unexplained" in words_of(tabs.open("Wanda"))


def test_the_period_is_in_the_address(tabs: Tabs, sold: dict[str, Sale]) -> None:
    tabs.shop.sql("update stockroom.orders set paid_at = now() - interval '40 days'")
    assert "No payments in this period" in words_of(page(tabs, rec_view="Payment to shelf"))
    tab = page(tabs, rec_view="Payment to shelf", rec_days="90 days")
    assert "All 92 units" in words_of(tab)
    assert field(tab, "download_button", "Export CSV") is not None
