"""A shop's history is imported in time order, once, completely or not at all, and never below zero."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database.engine import run
from core.foundation.errors import Forbidden, InvalidInput, SignInRequired, StockError, Unreadable
from core.foundation.model import COMMAND_LINE
from core.ledger import history
from core.ledger.history import HistoryImport, import_history
from core.people.access import Permission, roles_for
from core.proof import checks
from tests.support.builders import Shop
from tests.support.proof import assert_holds

HEADER = "occurred_at,sku,movement_type,reason,quantity,reference,name"
PAST = (
    "2025-10-01T09:00:00Z,CUP-1,purchase,delivery,10,D-1,Cup",
    "2025-10-02T09:00:00Z,CUP-1,sale,stock_decrease,-4,S-1,Cup",
    "2025-10-02T09:00:00Z,POT-1,sale,stock_decrease,-3,S-1,Pot",
    "2025-10-03T09:00:00Z,POT-1,purchase,delivery,5,D-2,Pot",
    "2025-10-04T09:00:00Z,POT-1,sale,stock_decrease,-6,S-2,Large pot",
    "2025-10-05T09:00:00Z,CUP-1,adjustment,lost,-1,,Cup",
)
TABLES = ("products", "product_variants", "stock_movements", "stockroom.operations", "stockroom.variant_days")

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: str, name: str = "past.csv", header: str = HEADER, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\n".join([header, *(lines or PAST), ""]).encode(encoding))
        return path

    return write


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "STAGED_AT_ONCE", 2)
    monkeypatch.setattr(history, "POSTED_AT_ONCE", 2)


def take(shop: Shop, path: Path, actor: Any = COMMAND_LINE, **options: Any) -> HistoryImport:
    return import_history(shop.engine, actor, path, **options)


def ledger(shop: Shop, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in shop.rows(f"select {', '.join(columns)} from stock_movements order by id")]


def contents(shop: Shop) -> dict[str, int]:
    return {table: shop.sql(f"select count(*) from {table}") for table in (*TABLES, "stockroom.history_rows")}


def assert_everything_holds(shop: Shop) -> None:
    assert [check for check in run(shop.engine, checks.run_checks, COMMAND_LINE) if not check.holds] == []


def test_the_rows_become_movements_in_order_of_time(fresh_shop: Shop, write: Write) -> None:
    take(fresh_shop, write(*reversed(PAST)))
    rows = ledger(fresh_shop, "sku", "movement_type", "quantity", "quantity_after", "reference_id", "reference_type")
    assert rows == [
        ("CUP-1", "purchase", 10, 10, "D-1", "history"),
        ("POT-1", "count", 4, 4, None, None),
        ("POT-1", "sale", -3, 1, "S-1", "history"),
        ("CUP-1", "sale", -4, 6, "S-1", "history"),
        ("POT-1", "purchase", 5, 6, "D-2", "history"),
        ("POT-1", "sale", -6, 0, "S-2", "history"),
        ("CUP-1", "adjustment", -1, 5, None, None),
    ]
    moments = [row[0] for row in ledger(fresh_shop, "occurred_at")]
    assert moments == sorted(moments)
    assert_everything_holds(fresh_shop)


def test_rows_of_one_moment_keep_the_order_of_the_file(fresh_shop: Shop, write: Write) -> None:
    line = "2025-10-01,CUP-1,{},Cup"
    told = ["purchase,delivery,1,b", "purchase,delivery,2,a", "sale,stock_decrease,-3,c"]
    take(fresh_shop, write(*(line.format(each) for each in told)))
    assert ledger(fresh_shop, "quantity", "reference_id") == [(1, "b"), (2, "a"), (-3, "c")]


def test_the_smallest_opening_is_posted_one_second_before_the_first_row_and_reported(
    fresh_shop: Shop, write: Write
) -> None:
    done = take(fresh_shop, write())
    assert (done.rows, done.new_codes, done.opening_codes, done.opening_units) == (6, 2, 1, 4)
    (opening,) = fresh_shop.rows("select * from stock_movements where movement_type = 'count'")
    assert (opening.sku, opening.reason, opening.quantity, opening.variant_sequence) == ("POT-1", "initial_count", 4, 1)
    assert opening.occurred_at == datetime(2025, 10, 2, 8, 59, 59, tzinfo=UTC)
    assert opening.note == "Smallest opening that makes the history in past.csv possible"
    lowest = fresh_shop.sql("select min(quantity_after) from stock_movements where sku = 'POT-1'")
    assert lowest == 0


def test_a_sku_that_never_falls_below_zero_gets_no_opening(fresh_shop: Shop, write: Write) -> None:
    done = take(fresh_shop, write(*(line for line in PAST if "CUP-1" in line)))
    assert (done.opening_codes, done.opening_units) == (0, 0)
    assert fresh_shop.sql("select count(*) from stock_movements where movement_type = 'count'") == 0


def test_unknown_skus_become_products_under_the_name_they_last_went_by(fresh_shop: Shop, write: Write) -> None:
    take(fresh_shop, write(*PAST, "2025-10-06,NAMELESS-1,purchase,delivery,1,,"))
    named = fresh_shop.rows(
        "select v.sku, p.name from product_variants v join products p on p.id = v.product_id order by v.sku"
    )
    assert named == [("CUP-1", "Cup"), ("NAMELESS-1", "NAMELESS-1"), ("POT-1", "Large pot")]


def test_a_known_variant_keeps_its_product_and_what_lay_on_the_shelf_before(fresh_shop: Shop, write: Write) -> None:
    variant = fresh_shop.variant(sku="POT-1", product="Casserole")
    done = take(fresh_shop, write())
    assert done.new_codes == 1
    assert fresh_shop.on_hand(variant) == 0
    assert fresh_shop.sql("select name from products p join product_variants v on v.product_id = p.id"
                          " where v.sku = 'POT-1'") == "Casserole"  # fmt: skip
    assert_holds(fresh_shop, variant)


def test_a_later_file_goes_on_from_the_level_the_earlier_one_left(fresh_shop: Shop, write: Write) -> None:
    take(fresh_shop, write())
    later = write(
        "2025-11-01T09:00:00Z,CUP-1,sale,stock_decrease,-5,S-9,Cup",
        "2025-11-01T09:00:00Z,POT-1,sale,stock_decrease,-2,S-9,Pot",
        name="later.csv",
    )
    done = take(fresh_shop, later)
    assert (done.new_codes, done.opening_codes, done.opening_units) == (0, 1, 2)
    recent = ledger(fresh_shop, "sku", "movement_type", "reason", "quantity")[-3:]
    assert recent == [
        ("CUP-1", "sale", "stock_decrease", -5),
        ("POT-1", "count", "cycle_count", 2),  # it has had its initial count
        ("POT-1", "sale", "stock_decrease", -2),
    ]
    assert_everything_holds(fresh_shop)


def test_the_same_content_is_imported_once_whatever_the_file_is_called(fresh_shop: Shop, write: Write) -> None:
    first = take(fresh_shop, write())
    before = contents(fresh_shop)
    again = take(fresh_shop, write(name="copy.csv"))
    assert (first.already, again.already) == (False, True)
    assert (again.rows, again.opening_units, again.operation_id) == (6, 4, first.operation_id)
    assert contents(fresh_shop) == before


def test_history_goes_before_the_present(fresh_shop: Shop, write: Write) -> None:
    cup, pot = fresh_shop.variant(7, sku="CUP-1"), fresh_shop.variant(sku="POT-1")
    before = contents(fresh_shop)
    with pytest.raises(InvalidInput, match=r"^The file goes back to 2025-10-01 22:00 for SKU CUP-1, which has a mov"):
        take(fresh_shop, write())
    assert contents(fresh_shop) == before
    assert (fresh_shop.on_hand(cup), fresh_shop.on_hand(pot)) == (7, 0)


def test_a_sku_in_other_letters_than_the_shops_is_refused(fresh_shop: Shop, write: Write) -> None:
    fresh_shop.variant(sku="cup-1")
    before = contents(fresh_shop)
    with pytest.raises(InvalidInput, match=r'^SKU "CUP-1" differs only in letter case from "cup-1" in the shop\.$'):
        take(fresh_shop, write())
    assert contents(fresh_shop) == before


def test_a_sku_in_another_writing_is_the_same_variant(fresh_shop: Shop, write: Write) -> None:
    fresh_shop.variant(sku="0036000291452")
    rows = [f"2026-03-0{day}T08:00:00Z,{sku},purchase,delivery,1,D-{day},Cup" for day, sku in enumerate(
        ("036000291452", "0036000291452", "NEW\N{EN DASH}1", "NEW-1"), start=1)]  # fmt: skip
    assert take(fresh_shop, write(*rows)).new_codes == 1
    levels = fresh_shop.rows("select sku, stock_quantity from product_variants order by 1")
    assert [tuple(row) for row in levels] == [("0036000291452", 2), ("NEW-1", 2)]


def test_the_sample_shop_takes_no_history_unless_that_is_wanted(fresh_shop: Shop, write: Write) -> None:
    fresh_shop.sql("update stockroom.shop set is_sample = true")
    with pytest.raises(InvalidInput, match="This shop holds the sample data"):
        take(fresh_shop, write())
    assert take(fresh_shop, write(), into_sample=True).rows == 6


@pytest.mark.usefixtures("small_steps")
def test_an_interrupted_staging_goes_on_at_the_next_row(fresh_shop: Shop, write: Write) -> None:
    def interrupt(step: str, done: int, _total: int) -> None:
        if (step, done) == ("staged", 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(fresh_shop, write(), progress=interrupt)
    assert contents(fresh_shop)["stockroom.history_rows"] == 4
    assert contents(fresh_shop)["products"] == 0
    steps: list[tuple[str, int, int]] = []
    take(fresh_shop, write(), progress=lambda *step: steps.append(step))
    assert steps == [("read", 6, 6), ("staged", 6, 6), ("posted", 2, 6), ("posted", 4, 6), ("posted", 6, 6)]
    assert contents(fresh_shop)["stockroom.history_rows"] == 0
    assert contents(fresh_shop)["stock_movements"] == 7
    assert_everything_holds(fresh_shop)


@pytest.mark.usefixtures("small_steps")
def test_an_interrupted_posting_leaves_nothing_and_is_done_whole_the_next_time(fresh_shop: Shop, write: Write) -> None:
    def interrupt(step: str, _done: int, _total: int) -> None:
        if step == "posted":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(fresh_shop, write(), progress=interrupt)
    assert {contents(fresh_shop)[table] for table in TABLES} == {0}
    assert take(fresh_shop, write()).rows == 6
    assert_everything_holds(fresh_shop)


@pytest.mark.usefixtures("small_steps")
def test_two_processes_with_the_same_file_import_it_once(fresh_shop: Shop, write: Write) -> None:
    path, done = write(), list[HistoryImport]()
    threads = [threading.Thread(target=lambda: done.append(take(fresh_shop, path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.already for each in done) == [False, True]
    assert contents(fresh_shop)["stock_movements"] == 7


def test_what_a_reason_must_explain_names_the_file(fresh_shop: Shop, write: Write) -> None:
    take(fresh_shop, write())
    assert fresh_shop.sql("select note from stock_movements where reason = 'lost'") == "From past.csv"
    assert fresh_shop.sql("select count(*) from stock_movements where note is not null") == 2  # and the opening


def test_a_moment_without_a_zone_falls_on_the_shops_own_day(fresh_shop: Shop, write: Write) -> None:
    take(fresh_shop, write("2025-10-01 00:30,CUP-1,purchase,delivery,1,,"))
    assert ledger(fresh_shop, "occurred_at") == [(datetime(2025, 9, 30, 11, 30, tzinfo=UTC),)]
    assert str(fresh_shop.sql("select day from stockroom.variant_days")) == "2025-10-01"


def test_a_byte_order_mark_and_a_parquet_file_are_read_alike(fresh_shop: Shop, write: Write, tmp_path: Path) -> None:
    take(fresh_shop, write(PAST[0], encoding="utf-8-sig"))
    columns: dict[str, Iterable[Any]] = {
        "occurred_at": [datetime(2025, 10, 7, tzinfo=UTC)], "sku": ["CUP-1"], "movement_type": ["sale"],
        "reason": ["stock_decrease"], "quantity": [-10], "reference": ["S-1"],
    }  # fmt: skip
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "past.parquet")
    assert take(fresh_shop, tmp_path / "past.parquet").rows == 1
    assert ledger(fresh_shop, "quantity_after") == [(10,), (0,)]


def test_text_that_looks_like_sql_or_csv_arrives_as_it_was_written(fresh_shop: Shop, write: Write) -> None:
    sku, name, reference = "'; drop table products; --", 'Cup, "large" \\N', "\\."
    quoted = name.replace('"', '""')
    take(fresh_shop, write(f'2025-10-01,{sku},purchase,delivery,1,{reference},"{quoted}"'))
    assert ledger(fresh_shop, "sku", "reference_id") == [(sku, reference)]
    assert fresh_shop.sql("select name from products") == name


GOOD = PAST[1]
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
BAD_FILES = {
    "a zero quantity": ([GOOD, GOOD.replace("-4", "0")], 'line 3: quantity "0" is zero'),
    "a fraction": ([GOOD, GOOD.replace("-4", "-0.5")], 'line 3: quantity "-0.5" is not a whole number'),
    "a huge quantity": ([GOOD.replace("-4", "-99999999999999999999")], "is more than 1,000,000 units"),
    "a sign that does not fit": ([GOOD.replace("-4", "4")], "must take units for this reason"),
    "control characters": ([GOOD.replace("CUP-1", "CUP\x00-1")], "line 2: sku"),
    "a name of 100 kB": ([GOOD + "p" * 100_000], "has more than 300 characters"),
    "SQL for a type": ([GOOD.replace("sale", "'; drop table")], "movement_type \"'; drop table\" is none of"),
    "a day to come": ([GOOD.replace("2025-10-02T09:00:00Z", TOMORROW)], "lies in the future"),
    "rows that contradict": (
        [GOOD, GOOD.replace("sale,stock_decrease,-4", "purchase,delivery,4")],
        'line 2: movement_type "sale" contradicts',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_row_is_named_and_nothing_is_changed(
    fresh_shop: Shop, write: Write, lines: list[str], expected: str
) -> None:
    before = contents(fresh_shop)
    with pytest.raises(Unreadable) as refused:
        take(fresh_shop, write(*lines))
    assert expected in refused.value.message
    assert contents(fresh_shop) == before


def test_another_encoding_missing_columns_or_no_file_change_nothing(
    fresh_shop: Shop, write: Write, tmp_path: Path
) -> None:
    before = contents(fresh_shop)
    pyarrow.parquet.write_table(pa.table({"sku": ["CUP-1"]}), tmp_path / "bare.parquet")
    refusals = {
        write(
            GOOD.replace("Cup", "T\x81pf"), encoding="latin-1"
        ): "line 2 has a character that is neither UTF-8 nor Win",
        tmp_path / "bare.parquet": "lacks columns occurred_at, movement_type, reason, quantity, reference",
        tmp_path / "gone.csv": "cannot be read: No such file or directory",
    }
    for path, expected in refusals.items():
        with pytest.raises(Unreadable, match=expected):
            take(fresh_shop, path)
    assert contents(fresh_shop) == before


@pytest.mark.parametrize(
    ("name", "refusal"), [("Wanda", Forbidden), ("Sam", Forbidden), ("Mia", Forbidden), ("Carl", SignInRequired)]
)
def test_only_an_admin_may_bring_in_a_past(
    fresh_shop: Shop, write: Write, name: str, refusal: type[StockError]
) -> None:
    with pytest.raises(refusal):
        take(fresh_shop, write(), fresh_shop.person(name))
    assert contents(fresh_shop)["stock_movements"] == 0


def test_every_movement_names_the_admin_who_imported_it(fresh_shop: Shop, write: Write) -> None:
    take(fresh_shop, write(), fresh_shop.person("Ada"))
    assert set(ledger(fresh_shop, "performed_by")) == {("Ada",)}


ASKED = {"user_id": None, "session_id": None, "roles": roles_for(Permission.IMPORT_HISTORY), "name": "Command line"}
BEGIN = text("select * from stockroom_api.begin_history(:user_id, :session_id, cast(:roles as text[]), :name, 1)")
POST = text("select stockroom_api.post_history(1, 0, 100)")


@pytest.fixture
def staged(fresh_shop: Shop, write: Write, small_steps: None) -> Shop:
    """A shop with all rows staged, and none posted."""

    def interrupt(step: str, _done: int, _total: int) -> None:
        if step == "posted":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(fresh_shop, write(), progress=interrupt)
    return fresh_shop


def test_half_a_history_cannot_be_committed_by_anybody(staged: Shop) -> None:
    with staged.engine.begin() as connection:
        connection.execute(BEGIN, ASKED)
    with pytest.raises(DBAPIError), staged.engine.begin() as connection:
        connection.execute(POST)
    assert contents(staged)["stock_movements"] == 0


@pytest.mark.parametrize(
    "change",
    [
        "delete from stockroom.history_rows where line = 4",
        "update stockroom.history_rows set reason = 'delivery' where line = 4",
        "update stockroom.history_rows set quantity = 4 where line = 4",
        "update stockroom.history_rows set quantity = 0 where line = 4",
        "update stockroom.history_rows set occurred_at = now() + interval '1 day' where line = 4",
        "update stockroom.history_rows set line = 5 where line = 4",
    ],
)
def test_rows_that_were_changed_in_the_waiting_room_are_not_posted(staged: Shop, change: str) -> None:
    staged.sql(change)
    with (
        pytest.raises(DBAPIError, match="The staged rows are not those of the file"),
        staged.engine.begin() as connection,
    ):
        connection.execute(BEGIN, ASKED)
