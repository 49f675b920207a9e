"""The Deliveries page: announce by pasting, check off, attach what is unknown, post and undo."""

from __future__ import annotations

from datetime import date

from streamlit.testing.v1 import AppTest

from core.catalog import codes
from core.deliveries import changes, note
from core.proof.checks import run_checks
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop, key
from tests.support.people import reads_german

__all__ = ["tabs"]


def count(tab: AppTest, code: str, units: str = "") -> AppTest:
    field(tab, "text_input", "Scan or type a code").set_value(code)
    field(tab, "text_input", "Units").set_value(units)
    return press(tab, "Count it")


def test_a_note_is_pasted_checked_off_posted_and_undone(tabs: Tabs, embedded_shop: Shop) -> None:
    shop = embedded_shop
    a, b = shop.variant(1, sku="TR-42", product="Trail runner"), shop.variant(sku="TR-43")
    tab = press(tabs.open("Wanda", "deliveries"), "Expect a delivery")
    field(tab, "text_area", "Paste the lines").set_value(
        "Artikelnummer;Menge;EK-Preis\nTR-42;3;39,90\nTR-43;2;\nXX-9;1;\nTR-43;1.5;\n"
    )
    run(tab)
    assert "write a whole number" in str(table(tab, "problem")["problem"].tolist())
    field(tab, "text_input", "Reference").set_value("LS-4711")
    field(tab, "text_input", "Supplier").set_value("Fjell & Sohn")
    press(tab, "Save the delivery")
    assert "LS-4711 · Fjell & Sohn" in words_of(tab)
    assert list(table(tab, "status")["sku"]) == ["TR-43", "XX-9", "TR-42"]

    count(tab, "TR-42", "2")
    assert "TR-42 +2 units: 2 of 3" in words_of(tab)
    count(tab, "TR-42", "1,5")
    assert "must be a whole number" in words_of(tab)
    count(tab, "tr-42", "2")
    assert "1 unit more than announced" in words_of(tab)
    press(tab, "Take back")
    count(tab, "MYSTERY")
    assert "MYSTERY is a code of no variant" in words_of(tab)
    field(tab, "text_input", "It is this variant", 1).set_value("TR-43")
    tab.get("button")
    [button for button in tab.button if button.label == "Attach"][1].click()
    run(tab)
    assert "MYSTERY is TR-43 in this delivery" in words_of(tab)
    (button,) = [label for label in labels(tab) if label.startswith("Post")]
    assert button.replace("\N{NO-BREAK SPACE}", " ") == "Post 3 units of 2 variants"
    press(tab, button)
    assert (shop.on_hand(a), shop.on_hand(b)) == (3, 1)
    press(tab, "Undo receipt")
    assert (shop.on_hand(a), shop.on_hand(b)) == (1, 0)
    assert [check.code for check in shop.run(run_checks, full=True) if not check.holds] == []


def test_stock_shows_what_is_expected_and_when(tabs: Tabs, embedded_shop: Shop) -> None:
    shop = embedded_shop
    shop.variant(1, sku="TR-42")
    tab = tabs.open("Sam", "stock")
    assert "expected" not in table(tab, "on_hand")
    for units, day in ((5, date(2030, 12, 9)), (7, date(2030, 12, 3))):
        shop.run(changes.announce, "Mia", lines=note.parse(f"TR-42 {units}"), expected_on=day, key=key())
    assert list(table(tabs.open("Sam", "stock"), "on_hand")["expected"]) == ["+12, 3 Dec"]
    assert "12 units expected, the next is due on 3 Dec 2030" in words_of(tabs.open("Sam", "stock", sku="TR-42"))


def test_support_reads_a_delivery_and_an_empty_shop_says_what_deliveries_are(tabs: Tabs, embedded_shop: Shop) -> None:
    assert "There are no deliveries yet" in words_of(tabs.open("Sam", "deliveries"))
    made = embedded_shop.run(changes.announce, "Mia", lines=note.parse("TR-42 3"), reference="LS-1", key=key())
    tab = tabs.open("Sam", "deliveries", delivery=made.delivery_id)
    assert "Your role cannot receive goods" in words_of(tab)
    assert "Count it" not in labels(tab)
    assert "There is no such delivery" in words_of(tabs.open("Sam", "deliveries", delivery="99999"))
    assert list(table(tabs.open("Sam", "deliveries"), "reference")["reference"]) == ["LS-1"]
    assert "Your role cannot receive goods" in words_of(tabs.open("Sam", "deliveries", new_delivery="expected"))


def test_a_movement_leads_to_its_delivery(tabs: Tabs, embedded_shop: Shop) -> None:
    shop = embedded_shop
    variant = shop.variant(sku="TR-42")
    made = shop.run(changes.begin, "Wanda", lines=note.parse("TR-42 3"), reference="LS-7", key=key())
    shop.run(changes.post, "Wanda", delivery_id=made.delivery_id, seen=0, key=key())
    movement = shop.history(variant)[-1].id
    assert "Delivery LS-7" in words_of(tabs.open("Sam", "movements", movement=movement))


def test_a_reader_of_german_opens_a_delivery_and_reads_what_is_wrong_with_its_lines(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    shop = embedded_shop
    shop.variant(1, sku="TR-42")
    lines = note.parse("TR-42 3\nTR-43\t1.000\t1.234")
    made = shop.run(changes.announce, "Mia", lines=lines, reference="LS-1", key=key())
    reads_german(shop, "Wanda")
    tab = tabs.open("Wanda", "deliveries", delivery=made.delivery_id)
    shown = table(tab, "status")
    assert list(shown["sku"]) == ["TR-43", "TR-42"], "what a person must look at comes first"
    problem = shown["original"].tolist()[0]
    assert problem.startswith("Zeile 2 hat eine Menge, die „1.000“ ist: Schreiben Sie eine ganze Zahl")
    assert "und hat Stückkosten, die „1.234“ ist" in problem
    assert "Line" not in problem


def test_a_preview_counts_a_carton_as_its_units_on_a_phone_too(tabs: Tabs, embedded_shop: Shop) -> None:
    shop = embedded_shop
    shoe = shop.variant(1, sku="TR-42")
    shop.run(codes.attach, "Mia", variant_id=shoe, code="CT-12", kind="carton", units=12, key=key())
    tab = press(tabs.open("Wanda", "deliveries"), "Expect a delivery")
    field(tab, "text_area", "Paste the lines").set_value("CT-12 2\nTR-42 1")
    run(tab)
    previews = [found.value["units"].tolist() for found in tab.dataframe if "units" in found.value.columns]
    assert previews == [[24, 1], [24, 1]], "the wide table and the narrow one"


def test_two_people_with_two_languages_undo_a_receipt_once_and_each_reads_the_note_in_their_own(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    shop = embedded_shop
    variant = shop.variant(sku="TR-42")
    made = shop.run(changes.begin, "Wanda", lines=note.parse("TR-42 3"), reference="LS-7", key=key())
    shop.run(changes.post, "Wanda", delivery_id=made.delivery_id, seen=0, key=key())
    reads_german(shop, "Mia")
    earlier = tabs.open("Mia", "deliveries", delivery=made.delivery_id)
    press(tabs.open("Wanda", "deliveries", delivery=made.delivery_id), "Undo receipt")
    token = tabs.token("Mia")
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)
    press(earlier, "Wareneingang rückgängig machen")
    assert "Idempotenz" not in words_of(earlier)
    assert shop.on_hand(variant) == 0
    for person, said in (("Sam", "The receipt was undone as a whole"), ("Mia", "Der Wareneingang wurde als Ganzes")):
        assert said in str(table(tabs.open(person, "movements"), "note")["note"].tolist()), person
