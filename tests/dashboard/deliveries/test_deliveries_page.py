"""The Deliveries page: announce by pasting, check off, attach what is unknown, post and undo."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop

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
    assert "write a whole number in digits alone" in words_of(tab)
    count(tab, "tr-42", "2")
    assert "1 unit more than announced" in words_of(tab)
    press(tab, "Take back")
    count(tab, "MYSTERY")
    assert "MYSTERY is of no variant" in words_of(tab)
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
