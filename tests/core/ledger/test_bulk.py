"""Changing many levels from a file: a preview reports every row, and the post is all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from core.foundation.errors import Forbidden, InsufficientStock, LevelChanged, Unreadable
from core.foundation.model import COMMAND_LINE, MovementType
from core.ledger import bulk, holds
from core.ledger import changes as ledger
from core.ledger.bulk import BulkKind, BulkPreview
from core.ledger.holds import Wanted
from core.ledger.level_filter import LevelFilter, LevelSort
from core.screens import exports
from tests.support.builders import Shop, key


def preview(shop: Shop, text: str | bytes, actor: str = "Wanda", **values: bool) -> BulkPreview:
    content = text.encode() if isinstance(text, str) else text
    found: BulkPreview = shop.run(bulk.preview, actor, content=content, file_name="shelf.csv", **values)
    return found


def told(found: BulkPreview) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_levels_are_set_from_what_the_file_saw(shop: Shop) -> None:
    first, second = shop.variant(on_hand=12), shop.variant(on_hand=5)
    skus = [shop.sql("select sku from product_variants where id = :id", id=id_) for id_ in (first, second)]
    found = preview(shop, f"sku,on_hand,set_to\n{skus[0]},12,10\n{skus[1]},5,5\n")
    assert (found.kind, told(found)) == (BulkKind.SET, [])
    assert [(row.before, row.after, row.change) for row in found.rows] == [(12, 10, -2), (5, 5, 0)]
    values = {"lines": found.levels(), "movement_type": MovementType.COUNT, "reason": "full_count"}
    shop.run(ledger.set_level, "Wanda", key=key(), **values)
    assert (shop.on_hand(first), shop.on_hand(second)) == (10, 5)


def test_a_level_that_changed_since_the_export_is_reported_and_can_be_set_from_the_present(shop: Shop) -> None:
    shoe = shop.variant(on_hand=12)
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    shop.adjust(shoe, -3)
    text = f"sku,on_hand,set_to\n{sku},12,10\n"
    assert told(preview(shop, text)) == ['line 2: on_hand "12" has changed since the export: it is 9 now']
    found = preview(shop, text, from_present=True)
    assert told(found) == []
    assert [(line.seen, line.target) for line in found.levels()] == [(9, 10)]


def test_what_moves_between_preview_and_posting_is_refused_whole(shop: Shop) -> None:
    first, second = shop.variant(on_hand=12), shop.variant(on_hand=5)
    skus = [shop.sql("select sku from product_variants where id = :id", id=id_) for id_ in (first, second)]
    found = preview(shop, f"sku,set_to\n{skus[0]},10\n{skus[1]},4\n")
    shop.adjust(second, 1)
    with pytest.raises(LevelChanged):
        shop.run(ledger.set_level, "Wanda", lines=found.levels(), key=key())
    assert (shop.on_hand(first), shop.on_hand(second)) == (12, 6)


def test_a_level_below_what_checkouts_hold_can_be_set_but_not_reached_by_taking_units_away(shop: Shop) -> None:
    shoe = shop.variant(on_hand=5)
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    shop.run(holds.hold, COMMAND_LINE, items=[Wanted(variant_id=shoe, quantity=3)], key=key())
    assert told(preview(shop, f"sku,change\n{sku},-4\n")) == [
        'line 2: change "-4" would leave fewer units than the 3 reserved'
    ]
    found = preview(shop, f"sku,set_to\n{sku},1\n")
    assert (told(found), [row.is_below_held for row in found.rows]) == ([], [True])
    values: dict[str, Any] = {"lines": found.levels(), "key": key()}
    with pytest.raises(InsufficientStock):
        shop.run(
            ledger.set_level,
            "Wanda",
            movement_type=MovementType.ADJUSTMENT,
            reason="correction",
            note="Shelf",
            **values,
        )
    shop.run(ledger.set_level, "Wanda", **values)
    assert shop.on_hand(shoe) == 1


def test_units_are_added_and_taken_away(shop: Shop) -> None:
    first, second = shop.variant(on_hand=12), shop.variant(on_hand=5)
    skus = [shop.sql("select sku from product_variants where id = :id", id=id_) for id_ in (first, second)]
    found = preview(shop, f"SKU;Change\n{skus[0]};-2\n{skus[1]};+3\n")
    assert (found.kind, told(found)) == (BulkKind.CHANGE, [])
    shop.run(ledger.adjust, "Wanda", lines=found.changes(), reason="correction", key=key(), note="From the shelf")
    assert (shop.on_hand(first), shop.on_hand(second)) == (10, 8)


def test_all_bad_rows_are_reported_at_once_with_their_lines(shop: Shop) -> None:
    shoe = shop.variant(on_hand=3)
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    text = f"sku,change\n{sku},-4\n'; drop table products,1\n{sku},1\nNOBODY,1.5\n"
    assert told(preview(shop, text)) == [
        'line 2: change "-4" would take the level below zero: 3 on hand',
        'line 3: sku "\'; drop table products" is not in the catalogue',
        f'line 4: sku "{sku}" is also on line 2',
        'line 5: sku "NOBODY" is not in the catalogue',
    ]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("0", "must not be zero"),
        ("1.5", "is not a whole number up to 1,000,000"),
        ("1000001", "is more than 1,000,000"),
    ],
)
def test_a_value_that_is_not_a_number_is_reported(shop: Shop, value: str, why: str) -> None:
    shoe = shop.variant(on_hand=3)
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    assert why in told(preview(shop, f"sku,change\n{sku},{value}\n"))[0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"sku\nA\n", "must name the column sku, and either change"),
        (b"sku,change,set_to\nA,1,2\n", "must name the column sku, and either change"),
        (b"sku,change\n", "has a value in its column change"),
        (b"sku,set_to\nA,\n", "has a value in its column set_to"),
        (b"PK\x03\x04....", "is damaged"),
        (b"sku,quantity\nA,1\n", "may be units to add or the new level"),
        (b"sku,change,sku\nA,1,A\n", "repeats column sku"),
        (b'sku,change\n"A,1\n', "cannot be read as CSV"),
        (b"sku,change\n" + b"A,1\n" * 13_000_000, "is larger than 50 MB"),
        (b"sku,change\n" + b"A,1\n" * 100_001, "more than 100,000 rows"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(shop: Shop, content: bytes, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        preview(shop, content)
    assert why in refused.value.message
    assert "nothing was changed" in refused.value.message.lower()


def test_support_may_not_even_look_what_a_file_would_do(shop: Shop) -> None:
    with pytest.raises(Forbidden):
        preview(shop, "sku,change\nA,1\n", actor="Sam")


def test_the_exported_list_with_a_column_added_is_such_a_file(fresh_shop: Shop) -> None:
    fresh_shop.variant(on_hand=12, sku="A-1", product='Runner, "red"')
    fresh_shop.variant(on_hand=5, sku="B-1")
    text = fresh_shop.run(exports.levels_csv, "Wanda", filter=LevelFilter(), sort=LevelSort.SKU).decode("utf-8-sig")
    header, first, second = text.splitlines()
    found = preview(fresh_shop, f"\ufeff{header},set_to\n{first},9\n{second},\n")
    assert told(found) == []
    assert [(row.sku, row.before, row.after) for row in found.rows] == [("A-1", 12, 9)]


def test_nothing_of_a_row_is_guessed_or_moved_to_another_column(shop: Shop) -> None:
    shoe = shop.variant(on_hand=12)
    sku = shop.sql("select sku from product_variants where id = :id", id=shoe)
    cases = {
        f"sku,change\n{sku},1,000\n": "line 2: row has 3 values where the first line names 2 columns",
        f"sku,product,on_hand,set_to\n{sku},Shoe, red,12,10\n": "line 2: row has 5 values where the first line names 4",
        f"sku,on_hand,set_to\n{sku},a dozen,10\n": 'line 2: on_hand "a dozen" is not a whole number',
        f"sku,on_hand,set_to\n{sku},,10\n": 'line 2: on_hand "" is empty; fill it in, or ignore the levels in the file',
        f"sku;set_to\n{sku};1,5\n": 'line 2: set_to "1,5" is not a whole number',
    }
    for text, why in cases.items():
        (said,) = told(preview(shop, text))
        assert said.startswith(why), (text, said)
    assert told(preview(shop, f"sku,on_hand,set_to\n{sku},a dozen,10\n", from_present=True)) == []
    with pytest.raises(Unreadable, match=r"What does 1\.000 mean in this file"):
        preview(shop, f"sku;set_to\n{sku};1.000\n")
