"""The Counts page: begin a count, count with a scanner, decide, apply, undo; the plan, the past and the rules."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.counts import sessions
from core.foundation.model import COMMAND_LINE
from core.ledger import holds
from core.ledger.holds import Wanted
from dashboard.sheets import work
from tests.core.counts.counting import apply, begin, finish, typed
from tests.dashboard.tabs import Tabs, field, labels, metric, press, run, table, tabs, until, words_of
from tests.support.builders import Shop, key
from tests.support.people import reads_german

__all__ = ["tabs"]


def enter(tab: AppTest, code: str, number: str | None = None) -> AppTest:
    field(tab, "text_input", "Scan or type a code").set_value(code)
    if number is not None:
        field(tab, "text_input", "Number").set_value(number)
    return press(tab, "Count")


def test_a_list_is_counted_by_scan_and_by_number_reviewed_applied_and_undone(tabs: Tabs, embedded_shop: Shop) -> None:
    shop = embedded_shop
    shoe, sock = shop.variant(5, sku="SHOE-42", size="42", unit_cost=10), shop.variant(4, sku="SOCK", price=3)
    shop.variant(7, sku="HAT")
    tab = press(tabs.open("Wanda", "counts"), "New count")
    field(tab, "selectbox", "What to count").set_value("list")
    run(tab)
    field(tab, "text_area", "SKUs or codes").set_value("SHOE-42\nSOCK\nNOPE")
    field(tab, "text_input", "Name").set_value("Aisle 3")
    press(tab, "Start counting")
    assert "No variant has these codes: NOPE" in words_of(tab)
    field(tab, "text_area", "SKUs or codes").set_value("SKU\tName\nSHOE-42\tx\nSOCK")
    press(tab, "Start counting")
    assert "Aisle 3" in words_of(tab)
    assert "0 of 2 lines" in words_of(tab)

    for _ in range(2):
        enter(tab, "shoe-42")
    assert "# :green[2] SHOE-42" in words_of(tab)
    tab.session_state["cnt_mode"] = "Scan, then number"
    run(tab)
    enter(tab, "SHOE-42", "1.5")
    assert "Number must be a whole number" in words_of(tab)
    enter(tab, "", "HAT")
    assert "Code is missing for “HAT”. Nothing was counted" in words_of(tab)
    enter(tab, "SHOE-42", "4")
    enter(tab, "HAT", "7")
    assert "not in the scope" in words_of(tab)
    shop.adjust(shoe, -2)
    press(tab, "Finish counting")
    assert metric(tab, "Lines counted") == "2"
    rows = table(tab, "off")
    assert list(rows["sku"]) == ["SHOE-42"]
    assert [str(value) for value in rows.iloc[0]][2:5] == [
        "5",
        "4",
        "\N{MINUS SIGN}1",
    ]
    assert "1 line. Applying leaves their levels as they are." in words_of(tab)
    (button,) = [label for label in labels(tab) if label.startswith("Apply")]
    press(tab, button)
    assert "Applied by Wanda" in words_of(tab)
    assert [shop.on_hand(v) for v in (shoe, sock)] == [2, 4]
    field(tab, "text_input", "Note").set_value("Wrong aisle")
    press(tab, "Undo the whole count")
    assert "Undone by Wanda" in words_of(tab)
    assert shop.on_hand(shoe) == 3


def test_conflicts_are_asked_and_a_line_over_the_limit_waits_for_a_second_person(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    shop = embedded_shop
    tab = tabs.open("Ada", "counts", cnt_section="What to count next")
    field(tab, "text_input", "Limit in units").set_value("2")
    press(tab, "Save the rules")
    shoe = shop.variant(9, sku="SHOE-43")
    count = begin(shop, shoe)
    typed(shop, count, shoe, 4)
    typed(shop, count, shoe, 5, "Mia")
    finish(shop, count)
    earlier = tabs.open("Mia", "counts", count=count)
    tab = tabs.open("Wanda", "counts", count=count)
    assert "To decide: 1 line" in words_of(tab)
    shop.run(sessions.resume, "Wanda", count_id=count)
    typed(shop, count, shoe, 3)
    finish(shop, count)
    press(tab, "Wanda is right: 4")
    assert "Line has other numbers now. Nothing was changed" in words_of(tab)
    shop.run(sessions.resume, "Wanda", count_id=count)
    typed(shop, count, shoe, 4)
    finish(shop, count)
    press(run(tab), "Wanda is right: 4")
    assert "Over the limit" in words_of(tab)
    (button,) = [label for label in labels(tab) if label.startswith("Apply")]
    press(tab, button)
    assert "a manager or an admin who did not count it approves: SHOE-43" in words_of(tab)
    assert shop.on_hand(shoe) == 9
    press(tabs.open("Ada", "counts", count=count), "Approve 1\N{NO-BREAK SPACE}line")
    tab = tabs.open("Wanda", "counts", count=count)
    press(tab, button)
    assert shop.on_hand(shoe) == 4
    assert "Count applied: 1 line, 1 level changed" in words_of(tab)
    press(tab, "Undo")
    assert "Count undone: 1 level set back" in words_of(tab)
    assert shop.on_hand(shoe) == 9
    token = tabs.token("Mia")
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)
    press(earlier, "Recount")
    assert "was undone by Wanda" in words_of(earlier)


def test_the_plan_starts_a_count_and_past_counts_show_their_accuracy(tabs: Tabs, embedded_shop: Shop) -> None:
    shop = embedded_shop
    assert "Nothing was counted yet" in words_of(tabs.open("Sam", "counts"))
    dear, cheap = shop.variant(9, sku="DEAR", unit_cost=100), shop.variant(9, sku="CHEAP", unit_cost=1)
    tab = tabs.open("Wanda", "counts", cnt_section="What to count next")
    assert list(table(tab, "class")["class"]) == ["A", "C"]
    press(tab, "Count these 2")
    assert "0 of 2 lines" in words_of(tab)
    (count,) = [row.id for row in shop.rows("select id from stockroom.counts")]
    typed(shop, count, dear, 9)
    typed(shop, count, cheap, 6)
    finish(shop, count)
    apply(shop, count)
    tab = tabs.open("Sam", "counts", cnt_section="Accuracy")
    row = table(tab, "right").iloc[0]
    assert (row["right"], row["units"], row["money"]) == ("50.0%", "83.3%", "99.7%")
    assert "Nothing is due" in words_of(tabs.open("Sam", "counts", cnt_section="What to count next"))
    assert "New count" not in labels(tabs.open("Sam", "counts"))


def test_setting_a_level_below_what_is_held_names_the_hold_that_was_given_up(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(5, sku="HELD")
    wanted = [Wanted(variant_id=shoe, quantity=3)]
    embedded_shop.run(holds.hold, COMMAND_LINE, items=wanted, key=key(), reference="cart-9")
    tab = tabs.open("Wanda", "stock", sku="HELD")
    field(tab, "text_input", "New level").set_value("1")
    press(tab, "Set level")
    assert "HELD: 5 → 1 (\N{MINUS SIGN}4 units). 1 hold given up: cart-9 (3 units)" in words_of(tab)


def test_a_large_list_is_entered_with_a_bar_and_a_variant_named_twice_is_refused(
    tabs: Tabs, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LARGE", 1)
    shop = embedded_shop
    shoe, sock = shop.variant(5, sku="SHOE"), shop.variant(4, sku="SOCK")
    count = begin(shop, shoe, sock)
    tab = tabs.open("Wanda", "counts", count=str(count))
    for text, button, said in (
        ("sku,counted\nSHOE,3\nSOCK,4\nSHOE,1\n", "Enter 3\N{NO-BREAK SPACE}rows", "names SHOE twice"),
        ("sku,counted\nSHOE,3\nSOCK,4\n", "Enter 2\N{NO-BREAK SPACE}rows", "2 lines entered"),
    ):
        tab.session_state["cnt_file"] = True
        run(tab).file_uploader(key="cnt_upload_file").set_value(("list.csv", text.encode(), "text/csv"))
        until(run(tab), button.replace("\N{NO-BREAK SPACE}", " "))
        assert f"_large_count_{count}_reading" in tab.session_state
        until(press(tab, button), said)
    assert "2 of 2 lines" in words_of(tab)
    tab.session_state["cnt_file"] = True
    until(run(tab), button.replace("\N{NO-BREAK SPACE}", " "))
    assert [each.disabled for each in tab.button if each.label == button] == [True], "the file is entered"


def test_a_reader_of_german_reads_in_german_that_a_number_has_no_code(tabs: Tabs, embedded_shop: Shop) -> None:
    reads_german(embedded_shop, "Wanda")
    count = begin(embedded_shop, embedded_shop.variant(3, sku="SHOE-42"))
    tab = tabs.open("Wanda", "counts", count=count, cnt_mode="Scan, then number")
    field(tab, "text_input", "Anzahl").set_value("HAT")
    press(tab, "Zählung")
    assert "Code fehlt für „HAT“. Es wurde nichts gezählt." in words_of(tab)
