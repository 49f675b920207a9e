"""A real year becomes a history file without losing a row: the published figures come out exactly."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.support import retail
from tests.support.retail import Conversion, Count, Kind


@pytest.fixture(scope="module")
def year() -> Conversion:
    return retail.published()


def test_every_published_row_is_read_and_counted_under_its_kind(year: Conversion) -> None:
    assert year.read == {
        Kind.SALE: Count(rows=530_103, units=5_588_375),
        Kind.CANCELLATION: Count(rows=9_288, units=-277_574),
        Kind.REMOVED: Count(rows=1_336, units=-206_957),
        Kind.ADDED: Count(rows=1_179, units=72_603),
        Kind.BAD_DEBT: Count(rows=3, units=3),
    }
    assert sum(count.rows for count in year.read.values()) == 541_909


def test_only_codes_that_are_no_goods_are_dropped(year: Conversion) -> None:
    vouchers = {code: count.rows for code, count in year.dropped_codes.items() if code.startswith("GIFT_")}
    others = {code: count.rows for code, count in year.dropped_codes.items() if code not in vouchers}
    assert sum(vouchers.values()) == 34
    assert others == {
        "POST": 1_256, "DOT": 710, "M": 572, "C2": 144, "D": 77, "S": 63, "BANK CHARGES": 37, "AMAZONFEE": 34,
        "CRUK": 16, "B": 3,  # one M is written m
    }  # fmt: skip
    assert year.dropped == {
        Kind.SALE: Count(rows=2_342, units=11_272),
        Kind.CANCELLATION: Count(rows=584, units=-5_544),
        Kind.ADDED: Count(rows=17, units=4_578),
        Kind.BAD_DEBT: Count(rows=3, units=3),
    }


@pytest.mark.parametrize("kind", Kind)
def test_what_is_read_of_a_kind_is_written_or_dropped(year: Conversion, kind: Kind) -> None:
    dropped = year.dropped.get(kind, Count(rows=0, units=0))
    written = [(moved, count) for moved, count in year.written.items() if moved.kind is kind]
    leaves = {Kind.SALE, Kind.CANCELLATION}  # written with the opposite sign: a sale takes from the shelf
    units = sum(-n.units if kind in leaves or is_free_item(moved) else n.units for moved, n in written)
    assert year.read[kind].rows == dropped.rows + sum(count.rows for _, count in written)
    assert year.read[kind].units == dropped.units + units


def is_free_item(moved: retail.Moved) -> bool:
    return moved.kind is Kind.ADDED and moved.reason == "sample"


def test_each_reason_moves_stock_only_in_its_direction(year: Conversion) -> None:
    grouped = year.history.group_by("reason").aggregate([("quantity", "min"), ("quantity", "max")]).to_pylist()
    assert {row["reason"]: {row["quantity_min"] > 0, row["quantity_max"] > 0} for row in grouped} == {
        "stock_decrease": {False}, "refund": {True}, "stock_increase": {True}, "found": {True}, "damaged": {False},
        "lost": {False}, "donation": {False}, "sample": {False}, "correction": {False, True},
    }  # fmt: skip


def test_the_biggest_order_leaves_and_comes_back_twelve_minutes_later(year: Conversion) -> None:
    rows = year.history.filter(pc.equal(pc.abs(year.history["quantity"]), 80_995)).to_pylist()
    assert [(row["sku"], row["reference"], row["movement_type"], row["quantity"]) for row in rows] == [
        ("23843", "581483", "sale", -80_995),
        ("23843", "C581484", "restoration", 80_995),
    ]
    assert (rows[1]["occurred_at"] - rows[0]["occurred_at"]).total_seconds() == 12 * 60


def test_codes_in_either_letter_case_are_one_code_with_one_name(year: Conversion) -> None:
    skus = set(year.history["sku"].to_pylist())
    assert len(skus) == 3_943
    assert all(sku == sku.upper() for sku in skus)
    named = year.history.group_by("sku").aggregate([("name", "count_distinct")])
    assert pc.max(named["name_count_distinct"]).as_py() == 1
    assert set(year.history.filter(pc.equal(year.history["sku"], "85123A"))["name"].to_pylist()) == {
        "WHITE HANGING HEART T-LIGHT HOLDER"
    }


def test_the_history_runs_forward_in_time_from_the_shops_own_clock(year: Conversion) -> None:
    moments = year.history["occurred_at"].cast(pa.int64())
    assert pc.all(pc.less_equal(moments.slice(0, len(moments) - 1), moments.slice(1))).as_py()
    summer = year.history.filter(pc.equal(year.history["reference"], "C560540"))["occurred_at"][0].as_py()
    assert summer.isoformat() == "2011-07-19T11:26:00+00:00"  # 12:26 in a British summer


@pytest.mark.parametrize(
    ("words", "quantity", "reason"),
    [
        ("Unsaleable, destroyed.", -5, "damaged"),
        ("dagamed", -1, "damaged"),
        ("thrown away-rusty", -9, "damaged"),
        ("damaged", 192, "correction"),
        ("????missing", -4, "lost"),
        ("MIA", -154, "lost"),
        ("given away", -1400, "donation"),
        ("show samples", -4, "sample"),
        ("Had been put aside.", 54, "found"),
        ("found some more on shelf", -9, "correction"),
        ("check", 3, "correction"),
        ("", -1, "stock_decrease"),
        (None, 7, "stock_increase"),
    ],
)
def test_the_words_beside_a_correction_become_its_reason(words: str | None, quantity: int, reason: str) -> None:
    assert retail.correction_reason(words, quantity) == reason


@pytest.mark.parametrize("name", ["year.csv", "year.parquet"])
def test_the_history_is_written_as_csv_or_parquet(year: Conversion, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    retail.write(year.history.slice(0, 1_000), path)
    read = pyarrow.csv.read_csv if path.suffix == ".csv" else pyarrow.parquet.read_table
    assert read(path).num_rows == 1_000
    assert read(path).column_names == list(retail.HISTORY_COLUMNS)
