"""Whole lists as files: every movement under a filter, with moments in the shop's zone."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow.parquet
import pytest

from core.foundation import paging
from core.foundation.errors import SignInRequired
from core.foundation.model import Line, MovementType
from core.ledger import changes as ledger
from core.ledger.movements import MovementFilter
from core.screens import exports
from tests.support.builders import Shop, key


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_csv_has_every_movement_under_the_filter_newest_first(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(on_hand=20, sku="A-1")
    for units in (1, 2, 3):
        fresh_shop.adjust(shoe, units, note=f'Line\nbreak, and "quotes" {units}')
    wanted = MovementFilter(types=(MovementType.ADJUSTMENT,))
    found = rows(fresh_shop.run(exports.movements_csv, "Sam", filter=wanted))
    assert [(row["sku"], row["quantity"], row["quantity_after"]) for row in found] == [
        ("A-1", "3", "26"), ("A-1", "2", "23"), ("A-1", "1", "21"),
    ]  # fmt: skip
    assert found[0]["note"] == 'Line\nbreak, and "quotes" 3'
    assert datetime.fromisoformat(found[0]["occurred_at"]).utcoffset() in (timedelta(hours=12), timedelta(hours=13))


def test_a_file_of_movements_has_brand_and_value_as_the_accountants_report_computes_it(fresh_shop: Shop) -> None:
    fresh_shop.variant(sku="B-1", on_hand=1)
    known = fresh_shop.variant(sku="A-1")
    fresh_shop.sql("update products set brand = 'Tidewater'")
    for units, cost in ((3, "10.00"), (4, "11.1111")):
        line = Line(variant_id=known, quantity=units, unit_cost=Decimal(cost))
        fresh_shop.run(ledger.receive, "Wanda", lines=[line], key=key())
    fresh_shop.adjust(known, -2)
    found = rows(fresh_shop.run(exports.movements_csv, "Mia", filter=MovementFilter(brand="Tidewater")))
    assert [(row["sku"], row["brand"], row["value_change"]) for row in found] == [
        ("A-1", "Tidewater", "-21.27"), ("A-1", "Tidewater", "44.44"), ("A-1", "Tidewater", "30.00"),
        ("B-1", "Tidewater", ""),
    ]  # fmt: skip
    values = fresh_shop.rows("select * from stockroom_api.movement_values('-infinity', 'infinity')")
    assert {row["movement_id"]: row["value_change"] for row in found} == {
        str(row.movement_id): str(row.value_change or "") for row in values
    }
    table = pyarrow.parquet.read_table(
        io.BytesIO(fresh_shop.run(exports.movements_parquet, "Mia", filter=MovementFilter(search="a-1")))
    )
    assert [float(each) for each in table.column("value_change").to_pylist()] == [-21.27, 44.44, 30]
    assert "value_change" not in rows(fresh_shop.run(exports.movements_csv, "Sam", filter=MovementFilter()))[0]


def test_the_parquet_file_has_the_same_with_types(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(on_hand=20)
    fresh_shop.adjust(shoe, -2)
    content = fresh_shop.run(exports.movements_parquet, "Sam", filter=MovementFilter())
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    assert table.column("quantity").to_pylist() == [-2, 20]
    assert table.schema.field("occurred_at").type.tz == "Pacific/Auckland"


def test_more_than_one_chunk_is_written_without_a_gap(fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LONGEST_PAGE", 10)
    shoe = fresh_shop.variant(sku="A-1")
    for _ in range(35):
        fresh_shop.adjust(shoe, 1)
    found = rows(fresh_shop.run(exports.movements_csv, "Sam", filter=MovementFilter()))
    assert [int(row["variant_sequence"]) for row in found] == list(range(35, 0, -1))


def test_a_note_that_looks_like_a_formula_stays_text(fresh_shop: Shop) -> None:
    fresh_shop.adjust(fresh_shop.variant(on_hand=1), 1, note="=HYPERLINK(1)")
    found = rows(fresh_shop.run(exports.movements_csv, "Sam", filter=MovementFilter()))
    assert found[0]["note"] == "'=HYPERLINK(1)"


def test_a_signed_out_person_gets_no_file(fresh_shop: Shop) -> None:
    """A download is built long after the page was drawn; the session is checked when it is."""
    person = fresh_shop.person("Sam")
    fresh_shop.sql("update stockroom.sessions set revoked_at = now()")
    with pytest.raises(SignInRequired):
        fresh_shop.run(exports.movements_csv, person, filter=MovementFilter())
