"""Tables: the order of sizes, and cells that a spreadsheet does not take for a formula."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from core.catalog.size_runs import size_order
from core.foundation.csv_file import safe
from core.foundation.model import MovementType
from dashboard.frame import tables
from dashboard.language.reader import Reader, reading
from dashboard.language.texts import tr

DESKTOP = 1_038
"""Pixels between the margins of a page in a window of 1440 pixels."""


def test_sizes_are_sorted_as_on_a_shelf() -> None:
    mixed = ["XL", "10", "9.5", None, "S", "9", "42,5", "42 2/3", "42", "one size", "4XL", "XXL", "M", "10Y", "6Y"]
    shelf = ["6Y", "9", "9.5", "10", "10Y", "42", "42,5", "42 2/3", "S", "M", "XL", "XXL", "4XL", None, "one size"]
    assert sorted(mixed, key=size_order) == shelf


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2", "@sum", "\t=1"])
def test_a_text_that_looks_like_a_formula_is_marked_as_text(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Box crushed", "", "A-1", None, -2, 0])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert safe(cell) == cell


@pytest.mark.parametrize(("room", "product", "note"), [(700, 300, 380), (500, 234, 265), (150, 120, 64)])
def test_product_and_note_are_as_wide_as_their_texts_where_there_is_room(room: int, product: int, note: int) -> None:
    assert tables.share(room, {"product": (120, 300), "note": (64, 380)}) == {"product": product, "note": note}


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_movement_and_its_last_button_fit_on_a_desktop_in_every_language(language: str) -> None:
    sold: Any = SimpleNamespace(
        occurred_at=datetime.now(UTC), sku="HTRO-40.5", size="40.5", movement_type=MovementType.SALE,
        reason_label="Paid order", quantity_before=14, quantity_after=13, performed_by="Wanda Weber",
        reference_id="SO-21487", product="Solace Cloud Mule Oat (Women's)", note="Scanned the wrong pair",
    )  # fmt: skip
    with reading(Reader(language=language)):
        for action in (tr("Undo"), tr("Undone"), tr("Open")):
            widths, _ = tables._widths([sold], "Europe/Berlin", (), [action])
            assert sum(widths.values()) <= DESKTOP, action
            assert widths["open"] >= 7 * len(action) + 18, action
