"""Every list of the shop as CSV and Parquet: equal to what SQL says, and only for those who may see it."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from core.catalog import codes, editing
from core.counts import sessions
from core.deliveries import changes, note
from core.foundation.errors import Forbidden, InvalidInput, SetupError, SignInRequired
from core.screens import files
from core.screens.columns import Kind
from core.screens.files import Format
from core.screens.lists import LISTS
from tests.conftest import open_fresh
from tests.core.counts import counting
from tests.stripe.shop import Stripe
from tests.support.builders import Shop, key
from tests.support.servers import Server

FORMULA = '=HYPERLINK("x")'
WAREHOUSE = {"counts", "count_lines", "goods_deliveries", "goods_lines", "variant_codes", "variant_changes"}
SQL_TYPES = {
    Kind.WHOLE: {"smallint", "integer", "bigint"}, Kind.MONEY: {"numeric"}, Kind.MOMENT: {"timestamp with time zone"},
    Kind.DAY: {"date"}, Kind.YES: {"boolean"}, Kind.DECIMAL: {"numeric", "real", "double precision"},
}  # fmt: skip
"""The types of SQL that a kind of column may have. Any type is written as text."""


@pytest.fixture(scope="module")
def busy(embedded: Server) -> Iterator[Shop]:
    """A shop in which orders, refunds, disputes, cases and accounts exist. These tests only read it."""
    for shop in open_fresh(embedded):
        shop.adjust(shop.variant(20, sku="A-1", price=Decimal("19.90")), -2, note=FORMULA)
        shop.variant(1, sku="-B,2", reorder_point=3)
        stripe = Stripe(shop)
        paid = stripe.pay("A-1", 2, buyer={"email": "pat@example.com", "name": "Pat"})
        buyer = {"email": "=cmd@example.com", "name": None}
        yen = stripe.account.pay(1500, "jpy", {"cart": "A-1:1"}, buyer)
        stripe.pay("-B,2", 3)
        stripe.account.refund(payment_intent=paid["id"], amount=500)
        stripe.account.dispute(yen["latest_charge"])
        stripe.webhook()
        stripe.work()
        for name in ("Wanda", "Sam", "Mia", "Ada"):
            shop.person(name)
        fill_warehouse(shop)
        yield shop


def fill_warehouse(shop: Shop) -> None:
    """Add counts in each state, a delivery, codes and edits."""
    hat, cap = shop.variant(9, sku="HAT", size="42", unit_cost=Decimal("2.50")), shop.variant(5, sku="CAP")
    for name, is_blind, ends in (("Applied", True, counting.apply), ("Review", True, None), ("Blind", True, None),
                                 ("Open", False, None), ("Gone", False, None)):  # fmt: skip
        count = counting.begin(shop, hat, cap, name=name, is_blind=is_blind)
        counting.typed(shop, count, hat, 7)
        if name in ("Applied", "Review"):
            counting.finish(shop, count)
        if ends:
            ends(shop, count)
        if name == "Gone":
            shop.run(sessions.cancel, "Wanda", count_id=count)
    lines = note.parse(f"HAT\t3\t9.3333\n{FORMULA}\t4\n")
    made = shop.run(changes.announce, "Wanda", lines=lines, reference="LS-1", supplier="-Fjell", key=key())
    shop.run(changes.scan, "Wanda", delivery_id=made.delivery_id, code="HAT", units=2, key=key())
    shop.run(codes.attach, "Mia", variant_id=hat, code="+49-BOX", kind="carton", units=12, key=key())
    for field, before, after in (("size", "42", "43"), ("brand", None, "=Brand")):
        edit = editing.Edit(variant_id=hat, field=editing.Field(field), before=before, after=after)
        shop.run(editing.edit, "Mia", edits=[edit], key=key())


def read_csv(path: Path, kinds: list[Kind]) -> list[tuple[Any, ...]]:
    """The rows of a file with the types that the file of columns names."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        _, *rows = csv.reader(lines)
    return [tuple(typed(kind, cell) for kind, cell in zip(kinds, row, strict=True)) for row in rows]


def typed(kind: Kind, cell: str) -> Any:
    if cell == "":
        return None
    read: dict[Kind, Callable[[str], Any]] = {
        Kind.TEXT: lambda text: text.removeprefix("'"), Kind.WHOLE: int, Kind.MONEY: Decimal, Kind.DECIMAL: float,
        Kind.MOMENT: datetime.fromisoformat, Kind.DAY: date.fromisoformat, Kind.YES: {"true": True, "false": False}.get,
    }  # fmt: skip
    return read[kind](cell)


def said_by_sql(shop: Shop, name: str) -> list[tuple[Any, ...]]:
    read: dict[Kind, Callable[[Any], Any]] = {Kind.TEXT: lambda text: str(text) or None, Kind.DECIMAL: float}
    kinds = [column.kind for column in LISTS[name].columns]
    order = ", ".join(f"{key[1:]} desc" if key.startswith("-") else key for key in LISTS[name].order)
    rows = shop.rows(f"select {', '.join(LISTS[name].names)} from stockroom_api.file_{name} order by {order}")
    return [
        tuple(
            None if value is None else read.get(kind, lambda same: same)(value)
            for kind, value in zip(kinds, row, strict=True)
        )
        for row in rows
    ]


def test_every_list_reads_back_from_csv_and_parquet_as_sql_has_it(
    busy: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ROWS_AT_ONCE", 2)  # several parts
    folder = tmp_path / "all"
    assert busy.run(files.write_all, folder=folder) == len(LISTS)
    filled = set()
    for name, each in LISTS.items():
        expected = said_by_sql(busy, name)
        assert read_csv(folder / f"{name}.csv", [column.kind for column in each.columns]) == expected
        table = pyarrow.parquet.read_table(folder / f"{name}.parquet")
        assert tuple(table.column_names) == each.names
        rows = [tuple(row[column] or None if row[column] == "" else row[column] for column in each.names)
                for row in table.to_pylist()]  # fmt: skip
        assert rows == expected
        filled |= {name} if expected else set()
    assert filled >= {"stock", "movements", "orders", "order_lines", "refunds", "disputes", "cases", "people"}
    assert filled >= WAREHOUSE
    text = (folder / files.README).read_text(encoding="utf-8")
    assert all(f"{name}: {each.title}" in text for name, each in LISTS.items())
    assert [path.name for path in tmp_path.iterdir()] == ["all"]


def test_every_column_is_declared_with_the_type_that_it_has(busy: Shop) -> None:
    """Found late: a column of a list without rows had another type than its declaration."""
    rows = busy.rows("""
        select table_name, column_name, data_type from information_schema.columns
         where table_schema = 'stockroom_api' and starts_with(table_name, 'file_')""")
    types = {(name.removeprefix("file_"), column): found for name, column, found in rows}
    wrong = {
        (name, column.name): types[name, column.name]
        for name, each in LISTS.items()
        for column in each.columns
        if column.kind in SQL_TYPES and types[name, column.name] not in SQL_TYPES[column.kind]
    }
    assert wrong == {}


def test_money_is_exact_moments_are_utc_and_no_cell_is_a_formula(busy: Shop, tmp_path: Path) -> None:
    for name in ("orders", "movements"):
        busy.run(files.write_list, "Mia", name=name, format=Format.CSV, path=tmp_path / f"{name}.csv")
    with (tmp_path / "orders.csv").open(encoding="utf-8-sig", newline="") as lines:
        orders = list(csv.DictReader(lines))
    assert {row["amount"] for row in orders} == {"20.00", "1500", "30.00"}
    assert {row["email"] for row in orders} >= {"pat@example.com", "'=cmd@example.com"}
    assert {datetime.fromisoformat(row["paid_at"]).tzinfo for row in orders} == {UTC}
    assert f"'{FORMULA}".replace('"', '""') in (tmp_path / "movements.csv").read_text(encoding="utf-8-sig")


def rows_of(shop: Shop, person: str, name: str, folder: Path) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    shop.run(files.write_list, person, name=name, format=Format.CSV, path=path)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_blind_count_names_what_it_expects_only_when_counting_is_finished(busy: Shop, tmp_path: Path) -> None:
    rows = rows_of(busy, "Ada", "count_lines", tmp_path)
    assert rows == rows_of(busy, "Sam", "count_lines", tmp_path), "nobody may see it earlier, and all the same"
    found = {
        (row["count"], row["sku"]): tuple(row[name] for name in ("expected", "counted", "variance", "unit_value"))
        for row in rows
    }
    assert found == {
        ("Applied", "HAT"): ("9", "7", "-2", "2.5000"), ("Review", "HAT"): ("7", "7", "0", "2.5000"),
        ("Blind", "HAT"): ("", "7", "", ""), ("Open", "HAT"): ("7", "7", "0", "2.5000"),
        ("Gone", "HAT"): ("", "7", "", ""),
    } | {(name, "CAP"): ("", "", "", "") for name in ("Applied", "Review", "Blind", "Open", "Gone")}  # fmt: skip
    counts = rows_of(busy, "Sam", "counts", tmp_path)
    assert {row["name"]: (row["state"], row["counted_lines"], row["net"], row["net_money"]) for row in counts} == {
        "Applied": ("applied", "1", "-2", "-5.0000"), "Review": ("review", "1", "", ""),
        "Blind": ("counting", "1", "", ""), "Open": ("counting", "1", "", ""), "Gone": ("cancelled", "1", "", ""),
    }  # fmt: skip


def test_deliveries_codes_and_edits_are_files_that_run_no_formula(busy: Shop, tmp_path: Path) -> None:
    (delivery,) = rows_of(busy, "Wanda", "goods_deliveries", tmp_path)
    assert [delivery[name] for name in ("reference", "supplier", "state", "expected", "scanned", "unknown_lines")] == [
        "LS-1", "'-Fjell", "in_progress", "7", "2", "1",
    ]  # fmt: skip
    lines = rows_of(busy, "Wanda", "goods_lines", tmp_path)
    assert [(row["code"], row["sku"], row["expected"], row["scanned"], row["unit_cost"]) for row in lines] == [
        ("HAT", "HAT", "3", "2", "9.3333"), (f"'{FORMULA}", "", "4", "0", ""),
    ]  # fmt: skip
    (code,) = rows_of(busy, "Sam", "variant_codes", tmp_path)
    assert (code["sku"], code["code"], code["kind"], code["units"]) == ("HAT", "'+49-BOX", "carton", "12")
    edits = rows_of(busy, "Sam", "variant_changes", tmp_path)
    assert [(row["sku"], row["field"], row["before"], row["after"], row["performed_by"]) for row in edits
            if row["source"] == "page"] == [
        ("HAT", "size", "42", "43", "Mia"), ("", "brand", "", "'=Brand", "Mia"),
    ]  # fmt: skip


def test_buyers_are_named_only_to_those_who_handle_orders(busy: Shop, tmp_path: Path) -> None:
    for person, names_buyers in (("Wanda", False), ("Sam", True), ("Mia", True)):
        path = tmp_path / f"{person}.csv"
        assert busy.run(files.write_list, person, name="orders", format=Format.CSV, path=path) == 3
        assert ("pat@example.com" in path.read_text(encoding="utf-8-sig")) is names_buyers


def test_a_list_of_settings_is_for_those_who_see_the_page(busy: Shop, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    for person in ("Wanda", "Sam", "Mia"):
        with pytest.raises(Forbidden):
            busy.run(files.write_list, person, name="people", format=Format.PARQUET, path=path)
    assert busy.run(files.write_list, "Ada", name="people", format=Format.PARQUET, path=path) >= 4
    with pytest.raises(SignInRequired):
        busy.run(files.write_list, "Carl", name="stock", format=Format.CSV, path=path)
    with pytest.raises(InvalidInput):
        busy.run(files.write_list, "Ada", name="users", format=Format.CSV, path=path)


def test_one_file_for_all_leaves_out_what_a_manager_may_not_see_and_says_so(busy: Shop, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    assert busy.run(files.write_zip, "Mia", path=path) == len(LISTS) - 10
    with zipfile.ZipFile(path) as whole:
        names = set(whole.namelist())
        assert {"orders.csv", "orders.parquet", files.README} <= names
        assert not {"people.csv", "changes.csv", "api_keys.parquet"} & names
        assert "Left out" in whole.read(files.README).decode()
    for person in ("Wanda", "Sam"):
        with pytest.raises(Forbidden):
            busy.run(files.write_zip, person, path=tmp_path / "no.zip")
    assert {each.name for each in tmp_path.iterdir()} == {"all.zip"}


def test_an_existing_folder_is_not_written_over(busy: Shop, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(SetupError, match="exists already"):
        busy.run(files.write_all, folder=tmp_path / "mine")
    assert not list((tmp_path / "mine").iterdir())
