"""A variant is edited where it is seen."""

from __future__ import annotations

from datetime import UTC, datetime

from streamlit.testing.v1 import AppTest

from core.catalog.editing import ChangeSource, VariantChange
from core.foundation.errors import EditedMeanwhile
from dashboard.frame import feedback
from dashboard.language.reader import Reader, reading
from dashboard.stock import details
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def typed(tab: AppTest, **values: str) -> AppTest:
    """Type values into the form; the names are its labels with underscores."""
    for label, value in values.items():
        field(tab, "text_input", label.replace("_", " ")).set_value(value)
    return tab


def acting(tabs: Tabs, who: str) -> None:
    token = tabs.token(who)
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)


def test_a_manager_edits_a_variant_and_reads_who_changed_what(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(4, sku="RUN-42", size="42", price=100, reorder_point=2, product="Runner")
    tab = press(tabs.open("Mia", "stock", sku="RUN-42"), "Edit")
    typed(tab, Price="120", Shelf_place="A-03-2", Reorder_point="1.5")
    said = words_of(press(tab, "Save"))
    assert 'Reorder point must be a whole number, not "1.5".' in said
    assert "Nothing was changed." in said
    assert field(tab, "text_input", "Shelf place").value == "A-03-2"  # what was typed stays
    said = words_of(press(typed(tab, Reorder_point="5"), "Save"))
    assert "Saved: Price 100.00 → 120.00; Reorder point 2 → 5; Shelf place empty → A-03-2" in said
    assert "on shelf A-03-2" in said
    assert "Price 100.00 → 120.00 by Mia" in said
    assert "Save" not in labels(tab)
    said = words_of(press(press(tab, "Edit"), "Save"))
    assert "Form has no change to save." in said


def test_of_two_pages_the_second_is_told_what_the_first_has_changed(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(4, sku="RUN-42", size="42", price=100, product="Runner")
    early, other = (tabs.open(who, "stock", sku="RUN-42", edit="1") for who in ("Ada", "Mia"))
    press(typed(other, Price="120"), "Save")
    acting(tabs, "Ada")
    said = words_of(press(typed(early, Price="130", Size="43"), "Save"))
    assert "In the meantime: Mia changed price of RUN-42 from 100.00 to 120.00. Nothing was changed." in said
    press(early, "Start from the new values")
    said = words_of(press(early, "Save"))
    assert "Size 42 → 43" in said
    assert "Price 120.00 → 130.00" in said


def test_a_renamed_variant_stays_on_the_page_and_wanda_edits_only_shelf_and_reorder_point(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    embedded_shop.variant(4, sku="RUN-42", product="Runner")
    tab = press(typed(tabs.open("Mia", "stock", sku="RUN-42", edit="1"), SKU="RUNNER-42"), "Save")
    assert tab.query_params["sku"] == "RUNNER-42"
    assert "SKU RUN-42 → RUNNER-42 by Mia" in words_of(tab)
    tab = tabs.open("Wanda", "stock", sku="RUNNER-42", edit="1")
    named = {each.label for each in tab.text_input}
    assert {"Reorder point", "Shelf place"} <= named
    assert not {"Price", "SKU", "Product"} & named
    assert "Shelf place empty → B-1" in words_of(press(typed(tab, Shelf_place="B-1"), "Save"))
    assert "Edit" not in labels(tabs.open("Sam", "stock", sku="RUNNER-42", edit="1"))
    assert run(tab) is not None


def test_an_edit_that_was_overtaken_names_its_field_in_the_readers_language() -> None:
    edit = {"by": "Mia", "field": "unit_cost", "sku": "RUN-42", "seen": "1.00", "now": None}
    late = EditedMeanwhile("RUN-42 was changed.", edited=[edit])
    assert "Mia changed unit cost of RUN" in feedback.sentence(late)
    with reading(Reader(language="de")):
        assert "Stückkosten" in feedback.sentence(late)


def test_a_change_of_a_variant_is_told_in_the_readers_language() -> None:
    change = VariantChange(
        change_id=1, at=datetime.now(UTC), field="unit_cost", before=None, after="5.00", performed_by="Mia",
        source=ChangeSource.FILE,
    )  # fmt: skip
    assert details._said(change).startswith("Unit cost empty")
    with reading(Reader(language="de")):
        assert details._said(change).startswith("Stückkosten leer")
