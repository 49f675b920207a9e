"""A history is recognised by its rows: the same rows are never posted twice, whatever the file looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE
from core.ledger.history import HistoryImport, import_history
from core.sheets import Choices
from tests.core.sheets.files import xlsx
from tests.support.builders import Shop
from tests.support.proof import assert_holds

HEADER = "occurred_at,sku,movement_type,reason,quantity,reference,name"
PAST = (
    "2025-10-01T09:00:00Z,CUP-1,count,initial_count,10,,Cup",
    "2025-10-01T09:00:00Z,POT-1,purchase,delivery,10,D-1,Pot",
    "2025-10-01T09:00:00Z,POT-1,purchase,delivery,10,D-1,Pot",
    "2025-10-01T09:00:00Z,POT-1,sale,stock_decrease,-4,S-1,Pot",
)  # the rows of POT-1 share one moment, and two are equal
MORE = "2025-10-01T09:00:00Z,POT-1,sale,stock_decrease,-5,S-2,Pot"

Take = Callable[..., HistoryImport]


@pytest.fixture
def take(fresh_shop: Shop, tmp_path: Path) -> Take:
    def take(content: bytes, choices: Choices | None = None) -> HistoryImport:
        path = tmp_path / "past.csv"
        path.write_bytes(content)
        return import_history(fresh_shop.engine, COMMAND_LINE, path, choices=choices)

    return take


def text(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def as_workbook(*rows: str) -> bytes:
    cells = [row.split(",") for row in rows]
    typed = [
        [datetime.fromisoformat(at[:-1]), sku, kind, why, int(units), *rest]
        for at, sku, kind, why, units, *rest in cells
    ]
    return xlsx([HEADER.split(","), *typed])


def test_the_same_rows_are_posted_once_and_a_row_more_alone(fresh_shop: Shop, take: Take) -> None:
    fresh_shop.sql("update stockroom.shop set zone = 'UTC'")
    first = take(text(*PAST).encode())
    assert (first.rows, first.rows_known, first.already) == (4, 0, False)
    ledger = "select sku, movement_type, quantity from stock_movements order by id"
    before = fresh_shop.rows(ledger)
    again = {
        "other line ends": text(*PAST).replace("\n", "\r\n").encode(),
        "a blank line": text(PAST[0], "", *PAST[1:]).encode(),
        "an empty row and semicolons": text(*PAST, ",,,,,,").replace(",", ";").encode(),
        "another order": text(*reversed(PAST)).encode(),
        "another encoding": text(*PAST).encode("utf-16"),
        "a workbook": as_workbook(*PAST),
    }
    for shape, content in again.items():
        done = take(content)
        assert (shape, done.already, done.operation_id) == (shape, True, first.operation_id)
        assert fresh_shop.rows(ledger) == before
    more = take(text(*PAST, MORE).encode())
    assert (more.rows, more.rows_known, more.already) == (5, 4, False)
    assert fresh_shop.rows(ledger)[len(before) :] == [("POT-1", "sale", -5)]
    third = take(text(PAST[1], *PAST[1:], MORE).encode())  # a third equal row is a row more
    assert (third.rows, third.rows_known) == (5, 4)
    pot = fresh_shop.sql("select id from product_variants where sku = 'POT-1'")
    assert fresh_shop.on_hand(pot) == 10 + 10 - 4 - 5 + 10
    assert_holds(fresh_shop, pot)


def test_a_second_initial_count_of_a_variant_is_refused(fresh_shop: Shop, take: Take) -> None:
    take(text(*PAST).encode())
    with pytest.raises(InvalidInput, match="has an initial count of SKU CUP-1, which had its initial count of 10 on"):
        take(text("2025-11-01T09:00:00Z,CUP-1,count,initial_count,3,,Cup").encode())
    assert fresh_shop.sql("select count(*) from stock_movements where sku = 'CUP-1'") == 1


def test_a_history_in_thousands_and_other_names_needs_an_option(fresh_shop: Shop, take: Take) -> None:
    header = "Date;SKU;Type;Reason;Units;Document;Product"
    row = "2025-10-01T09:00:00Z;BIG-1;purchase;delivery;1.000;D-1;Bolt"
    with pytest.raises(Exception, match="Say so with --decimal comma or --decimal point"):
        take(text(row, header=header).encode())
    take(text(row, header=header).encode(), Choices(answers={"decimal": "comma"}))
    assert fresh_shop.sql("select stock_quantity from product_variants where sku = 'BIG-1'") == 1000
    with pytest.raises(Exception, match=r"a thousand in one country and one in another; say which with --decimal"):
        take(text(PAST[1].replace(",10,", ",1.000,")).encode())
