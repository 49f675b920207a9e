"""Many variants are edited in the list: what is typed means what it says, and is reviewed before it is saved."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from core.catalog.editing import Field
from core.foundation.model import LevelRow
from dashboard.stock import table_edit
from dashboard.stock.table_edit import Sheet
from tests.dashboard.frame.test_words import level
from tests.dashboard.tabs import Tabs, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def sheet(*rows: LevelRow) -> Sheet:
    seen = {each.variant_id: table_edit._values(each) for each in rows}
    return Sheet(shown="", rows=rows, total=len(rows), seen=seen, key="")


def test_a_cell_means_what_was_typed_and_a_bad_one_is_named() -> None:
    known = sheet(
        level(variant_id=uuid4(), sku="A", reorder_point=3, price=Decimal("10.00"), shelf_place=None),
        level(variant_id=uuid4(), sku="B", reorder_point=0, price=None, shelf_place="A-1"),
    )
    before = table_edit._table(known)
    after = before.copy()
    after.loc[0, ["reorder", "price", "shelf"]] = ["1.5", "12,5", " A-2 "]
    after.loc[1, ["reorder", "shelf"]] = ["1.000", None]
    found = table_edit.review(known, before, after, mark=".")  # a reader whose thousands have points
    assert [(each.row.sku, each.edit.field, each.edit.before, each.after, each.problem) for each in found] == [
        ("A", Field.REORDER_POINT, "3", "1.5", 'Reorder point must be a whole number, not "1.5". '
         "Type a whole number, such as 12."),
        ("A", Field.PRICE, "10.00", "12.50", ""),
        ("A", Field.SHELF_PLACE, None, "A-2", ""),
        ("B", Field.REORDER_POINT, "0", "1000", ""),
        ("B", Field.SHELF_PLACE, "A-1", None, ""),
    ]  # fmt: skip
    assert table_edit.review(known, before, before.copy(), mark="") == []


def test_the_list_is_opened_for_editing_by_those_who_may(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(2, sku="A-1", size="42", reorder_point=3, shelf_place="B-07", product="Runner")
    embedded_shop.variant(2, sku="A-2", size="43", reorder_point=3, product="Boot")
    tab = press(tabs.open("Wanda", "stock"), "Edit list")
    assert "2 variants. Type into the cells, then review and save." in words_of(tab)
    assert not {"Save", "Save 1 change"} & set(labels(tab))
    assert "2 variants. Select a SKU to open it." in words_of(press(tab, "Done"))
    assert "Edit list" not in labels(tabs.open("Sam", "stock", edit_list="1"))
    found = tabs.open("Wanda", "stock", edit_list="1", stk_q="b-07")
    assert "1 variant. Type into the cells" in words_of(found)
    assert "No variant matches." in words_of(tabs.open("Wanda", "stock", edit_list="1", stk_q="zebra"))
    assert run(found) is not None
