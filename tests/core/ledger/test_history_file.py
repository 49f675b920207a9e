"""What a history file may contain, and how each bad row is reported: its line, its field, and a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from core.foundation.cells import Rules
from core.foundation.errors import Unreadable
from core.ledger.history_file import HistoryFile, UnreadableHistory, read_history

HEADER = "occurred_at,sku,movement_type,reason,quantity,reference,name"
RULES = Rules(
    zone="Pacific/Auckland",
    now=datetime(2026, 3, 1, 12, tzinfo=UTC),
    signs={
        ("purchase", "delivery"): 1,
        ("purchase", "supplier_return"): -1,
        ("sale", "stock_decrease"): -1,
        ("adjustment", "correction"): 0,
        ("adjustment", "damaged"): -1,
        ("adjustment", "found"): 1,
        ("count", "initial_count"): 0,
        ("count", "cycle_count"): 0,
    },
)
NAIVE = datetime.fromisoformat("2026-01-05T10:00:00")
GOOD = "2026-01-05T10:00:00+13:00,SHOE-9,sale,stock_decrease,-1,order 7,Shoe size 9"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: str, header: str = HEADER, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / "past.csv"
        path.write_bytes(end.join([header, *lines, ""]).encode(encoding))
        return path

    return write


def read(path: Path) -> HistoryFile:
    return read_history(path, RULES)


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(path).rows.to_pylist()
    return found


def problems(path: Path) -> list[str]:
    with pytest.raises(UnreadableHistory) as caught:
        read(path)
    return [str(problem) for problem in caught.value.problems]


def refusal(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read(path)
    return caught.value.message


def parquet(path: Path, **changed: Iterable[Any]) -> Path:
    columns: dict[str, Any] = {
        "occurred_at": [datetime(2026, 1, 5, 10, tzinfo=UTC)],
        "sku": ["SHOE-9"],
        "movement_type": ["sale"],
        "reason": ["stock_decrease"],
        "quantity": [-1],
        "reference": ["order 7"],
    }
    pyarrow.parquet.write_table(pa.table(columns | changed), path)
    return path


def test_a_row_arrives_typed_with_its_line(write: Write) -> None:
    assert rows(write(GOOD)) == [
        {
            "occurred_at": datetime(2026, 1, 4, 21, tzinfo=UTC),
            "sku": "SHOE-9",
            "movement_type": "sale",
            "reason": "stock_decrease",
            "quantity": -1,
            "reference": "order 7",
            "name": "Shoe size 9",
            "line": 2,
        }
    ]


def test_the_file_is_known_by_its_content_and_not_by_its_name(write: Write) -> None:
    path = write(GOOD)
    assert read(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(path.rename(path.with_name("other.csv"))).digest == read(path.with_name("other.csv")).digest


def test_the_file_knows_its_first_and_last_moment(write: Write) -> None:
    file = read(write(GOOD, GOOD.replace("2026-01-05", "2025-12-31")))
    assert file.first == datetime(2025, 12, 30, 21, tzinfo=UTC)
    assert file.last == datetime(2026, 1, 4, 21, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_read_with_or_without_a_byte_order_mark(write: Write, encoding: str) -> None:
    assert rows(write(GOOD.replace("Shoe", "Café ☕"), encoding=encoding))[0]["name"] == "Café ☕ size 9"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheets_other_delimiters_are_recognised(write: Write, delimiter: str) -> None:
    path = write(GOOD.replace(",", delimiter), header=HEADER.replace(",", delimiter))
    assert rows(path)[0]["quantity"] == -1


def test_columns_can_be_in_any_order_and_letter_case_and_the_name_is_optional(write: Write) -> None:
    path = write(
        "-1,SHOE-9,,stock_decrease,sale,2026-01-05", header=" Quantity,SKU,Reference,Reason,movement_TYPE,occurred_at"
    )
    row = rows(path)[0]
    assert (row["quantity"], row["sku"], row["reference"], row["name"]) == (-1, "SHOE-9", None, None)


def test_line_numbers_survive_empty_lines_and_values_with_line_breaks(write: Write) -> None:
    broken = GOOD.replace("Shoe size 9", '"Shoe, size ""9"""').replace("order 7", '"order 7\r\n, \nsecond paper"')
    path = write("", GOOD, "", GOOD.replace(",-1,", ",0,"), end="\r\n")
    assert problems(path) == ['line 5: quantity "0" is zero, which only a count may be']
    assert 'line 2: reference "order 7\\r\\n, \\nsecond paper" has a control or invisible character' in problems(
        write(broken, GOOD, GOOD.replace(",-1,", ",x,"))
    )
    assert problems(write(broken, GOOD, GOOD.replace(",-1,", ",x,")))[1:] == [
        'line 6: quantity "x" is not a whole number'
    ]


def test_many_empty_lines_hide_nothing_that_follows(write: Write) -> None:
    assert [row["line"] for row in rows(write(GOOD, *[""] * 5_000, GOOD))] == [2, 5_003]


def test_a_moment_without_a_zone_is_on_the_shops_clock(write: Write) -> None:
    summer = GOOD.replace("2026-01-05T10:00:00+13:00", "2026-01-05 10:00")
    winter = GOOD.replace("2026-01-05T10:00:00+13:00", "2025-07-05T10:00:00")
    read_as = [row["occurred_at"] for row in rows(write(summer, winter))]
    assert read_as == [datetime(2026, 1, 4, 21, tzinfo=UTC), datetime(2025, 7, 4, 22, tzinfo=UTC)]


def test_a_date_alone_is_the_shops_midnight(write: Write) -> None:
    row = rows(write(GOOD.replace("2026-01-05T10:00:00+13:00", "2026-01-05")))[0]
    assert row["occurred_at"] == datetime(2026, 1, 4, 11, tzinfo=UTC)


def test_a_day_without_a_midnight_begins_when_clocks_change_in_every_format(write: Write, tmp_path: Path) -> None:
    rules = replace(RULES, zone="America/Santiago")
    files = (
        write(GOOD.replace("2026-01-05T10:00:00+13:00", "2021-09-05")),
        parquet(tmp_path / "past.parquet", occurred_at=[date(2021, 9, 5)]),
    )
    found = [read_history(path, rules).rows.to_pylist()[0]["occurred_at"] for path in files]
    assert found == [datetime(2021, 9, 5, 4, tzinfo=UTC)] * 2


def test_an_equal_row_is_a_second_line_of_the_order_and_stays(write: Write) -> None:
    assert len(rows(write(GOOD, GOOD))) == 2


def test_one_sku_may_have_had_two_names(write: Write) -> None:
    assert len(rows(write(GOOD, GOOD.replace("Shoe size 9", "Boot size 9")))) == 2


def test_a_count_may_find_nothing_changed(write: Write) -> None:
    assert rows(write("2026-01-05,SHOE-9,count,cycle_count,0,,"))[0]["quantity"] == 0


def test_text_that_looks_like_sql_is_text(write: Write) -> None:
    assert rows(write(GOOD.replace("SHOE-9", "'; drop table products; --")))[0]["sku"] == "'; drop table products; --"


BAD_VALUES = [
    ("SHOE-9", "", "sku is missing"),
    ("SHOE-9", "   ", "sku is missing"),
    ("SHOE-9", "S" * 81, f'sku "{"S" * 40}..." has more than 80 characters'),
    ("SHOE-9", "SHOE\x07", 'sku "SHOE\\x07" has a control or invisible character'),
    ("SHOE-9", "SHOE\x00-9", 'sku "SHOE\\x00-9" has a control or invisible character'),
    ("SHOE-9", "SHOE\u200b-9", 'sku "SHOE\\u200b-9" has a control or invisible character'),
    ("sale", "", "movement_type is missing"),
    ("sale", "'; drop table", "is none of purchase, sale, restoration, adjustment, count"),
    ("sale", "Sale", "is none of purchase, sale, restoration, adjustment, count"),
    ("stock_decrease", "", "reason is missing"),
    ("stock_decrease", "delivery", 'reason "delivery" is not a reason of sale'),
    ("stock_decrease", "undo", 'reason "undo" is not a reason of sale'),
    (",-1,", ",,", "quantity is missing"),
    (",-1,", ",0,", 'quantity "0" is zero, which only a count may be'),
    (",-1,", ",-1.5,", 'quantity "-1.5" is not a whole number'),
    (",-1,", ",minus one,", 'quantity "minus one" is not a whole number'),
    (",-1,", ",-1e3,", 'quantity "-1e3" is not a whole number'),
    (",-1,", ",-nan,", 'quantity "-nan" is not a whole number'),
    (",-1,", ",-1000001,", 'quantity "-1000001" is more than 1,000,000 units'),
    (",-1,", f",-{'9' * 400},", "is more than 1,000,000 units"),
    (",-1,", ",1,", 'quantity "1" must take units for this reason'),
    ("2026-01-05T10:00:00+13:00", "", "occurred_at is missing"),
    (
        "2026-01-05T10:00:00+13:00",
        "05/01/2026",
        'occurred_at "05/01/2026" is not a date and time such as 2024-05-01T09:30',
    ),
    ("2026-01-05T10:00:00+13:00", "2026-02-30", 'occurred_at "2026-02-30" is not a date and time'),
    ("2026-01-05T10:00:00+13:00", "0001-01-01", 'occurred_at "0001-01-01" is not a date and time'),
    ("2026-01-05T10:00:00+13:00", "1969-12-31", 'occurred_at "1969-12-31" lies before 1970'),
    ("2026-01-05T10:00:00+13:00", "2026-03-02T01:00:01+13:00", "lies in the future"),
    ("2026-01-05T10:00:00+13:00", "9999-12-31", 'occurred_at "9999-12-31" lies in the future'),
    ("order 7", "o" * 201, "has more than 200 characters"),
    ("Shoe size 9", "n" * 100_000, f'name "{"n" * 40}..." has more than 300 characters'),
    ("Shoe size 9", "Shoe\x1b[31m", "has a control or invisible character"),
    (",order 7", "", "row has 6 values where the first line names 7 columns"),
    ("order 7", "order,7", "row has 8 values where the first line names 7 columns"),
]


@pytest.mark.parametrize(("good", "bad", "expected"), BAD_VALUES)
def test_a_bad_value_is_named_with_its_line_and_field(write: Write, good: str, bad: str, expected: str) -> None:
    found = problems(write(GOOD, GOOD.replace(good, bad)))
    assert len(found) == 1
    assert found[0].startswith("line 3: ")
    assert expected in found[0]


def test_the_last_possible_moment_is_now(write: Write) -> None:
    assert rows(write(GOOD.replace("2026-01-05T10:00:00+13:00", "2026-03-02T01:00:00+13:00")))


def test_every_bad_row_is_reported_at_once_and_in_order(write: Write) -> None:
    path = write(GOOD.replace("SHOE-9", ""), GOOD, GOOD.replace(",-1,", ",2.5,").replace("sale", "gift"))
    assert [line.split('"')[0].strip() for line in problems(path)] == [
        "line 2: sku is missing",
        "line 4: quantity",
        "line 4: movement_type",
    ]
    assert refusal(path).startswith("past.csv has 2 bad rows; nothing was imported.\n  line 2: sku is missing\n")


def test_a_thousand_bad_rows_are_all_counted_but_fifty_are_shown(write: Write) -> None:
    message = refusal(write(*[GOOD.replace(",-1,", ",0,")] * 900, *[GOOD.replace("SHOE-9", "")] * 104))
    assert message.startswith("past.csv has 1,004 bad rows; nothing was imported.")
    assert message.count("\n  line ") == 50
    assert message.endswith("and 850 more: quantity is zero, which only a count may be\n  and 104 more: sku is missing")


CONTRADICTIONS = [
    (
        "2026-01-05,SHOE-9,purchase,delivery,4,paper 1,",
        "2026-01-05,SHOE-9,sale,stock_decrease,-4,paper 1,",
        'movement_type "sale" contradicts line 2: the same reference, SKU and moment as a purchase',
    ),
    (
        "2026-01-05,SHOE-9,count,initial_count,4,,",
        "2026-01-06,SHOE-9,count,initial_count,4,,",
        'quantity "4" contradicts the initial count of the same SKU on line 2',
    ),
    (
        "2026-01-05,SHOE-9,purchase,delivery,4,paper 1,",
        "2026-01-05,shoe-9,purchase,delivery,4,paper 1,",
        'sku "shoe-9" differs only in letter case from "SHOE-9"',
    ),
    (
        "2026-01-05,SHOE-9,count,cycle_count,4,,",
        "2026-01-05,SHOE-9,count,cycle_count,5,,",
        'quantity "5" contradicts line 2: another count of this SKU at the same moment',
    ),
]


@pytest.mark.parametrize(("first", "second", "expected"), CONTRADICTIONS)
def test_of_two_rows_that_contradict_the_second_names_the_first(
    write: Write, first: str, second: str, expected: str
) -> None:
    assert problems(write(first, second)) == [f"line 3: {expected}"]


@pytest.mark.parametrize(
    "second",
    [
        "2026-01-06,SHOE-9,sale,stock_decrease,-4,paper 1,",
        "2026-01-05,SHOE-10,sale,stock_decrease,-4,paper 1,",
        "2026-01-05,SHOE-9,sale,stock_decrease,-4,paper 2,",
        "2026-01-05,SHOE-9,sale,stock_decrease,-4,,",
        "2026-01-05,SHOE-9,purchase,delivery,4,paper 1,",
        "2026-01-05,SHOE-9,purchase,supplier_return,-4,paper 1,",
    ],
)
def test_rows_that_differ_in_moment_sku_or_paper_do_not_contradict(write: Write, second: str) -> None:
    assert len(rows(write("2026-01-05,SHOE-9,purchase,delivery,4,paper 1,", second))) == 2


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_is_read_as_what_it_is(write: Write, encoding: str) -> None:
    assert read(write(GOOD, GOOD.replace("Shoe", "Café"), encoding=encoding)).rows["name"].to_pylist() == [
        "Shoe size 9",
        "Café size 9",
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace("quantity", "amount"), "past.csv lacks column quantity; it has the unknown column amount."),
        (HEADER + ",note,x", "past.csv has the unknown columns note, x."),
        (HEADER + ",x", "past.csv has the unknown column x."),
        (HEADER + ",SKU", "past.csv repeats column SKU."),
        ("a,b", "past.csv lacks columns occurred_at, sku, movement_type, reason, quantity, reference"),
    ],
)
def test_columns_that_are_missing_unknown_or_twice_are_named(write: Write, header: str, expected: str) -> None:
    assert expected in refusal(write(GOOD, header=header))


def test_a_quote_that_is_not_closed_is_named_by_its_line(write: Write) -> None:
    assert "past.csv: line 3 cannot be read as CSV" in refusal(write(GOOD, GOOD.replace("Shoe size 9", '"Shoe" 9"')))


def test_a_file_without_rows_is_refused(write: Write, tmp_path: Path) -> None:
    assert refusal(write()) == "past.csv has no rows; nothing was imported."
    empty: dict[str, Iterable[Any]] = {name: pa.array([], pa.string()) for name in HEADER.split(",")}
    assert refusal(parquet(tmp_path / "past.parquet", **empty)) == "past.parquet has no rows; nothing was imported."


def test_a_file_that_is_not_there_or_is_a_folder_is_a_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.csv").endswith("gone.csv cannot be read: No such file or directory.")
    assert refusal(tmp_path).endswith("cannot be read: Is a directory.")


def test_parquet_gives_the_same_rows_as_csv(write: Write, tmp_path: Path) -> None:
    path = parquet(tmp_path / "past.bin", name=["Shoe size 9"], occurred_at=[datetime(2026, 1, 4, 21, tzinfo=UTC)])
    assert [row | {"line": 2} for row in rows(path)] == rows(write(GOOD))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NAIVE, datetime(2026, 1, 4, 21, tzinfo=UTC)),
        (date(2026, 1, 5), datetime(2026, 1, 4, 11, tzinfo=UTC)),
        ("2026-01-05T10:00:00Z", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        (pa.scalar(10**18, pa.timestamp("ns")), datetime(2001, 9, 8, 13, 46, 40, tzinfo=UTC)),
    ],
)
def test_parquet_moments_may_be_timestamps_dates_or_text(tmp_path: Path, moment: object, expected: datetime) -> None:
    assert rows(parquet(tmp_path / "past.parquet", occurred_at=[moment]))[0]["occurred_at"] == expected


@pytest.mark.parametrize("quantity", [-2, -2.0, Decimal("-2.00"), "-2", pa.scalar(-2, pa.int8())])
def test_parquet_quantities_may_be_any_kind_of_number(tmp_path: Path, quantity: object) -> None:
    assert rows(parquet(tmp_path / "past.parquet", quantity=[quantity]))[0]["quantity"] == -2


def test_parquet_codes_may_be_numbers_or_a_dictionary(tmp_path: Path) -> None:
    path = parquet(tmp_path / "past.parquet", sku=pa.array(["SHOE-9"]).dictionary_encode(), reference=[536365])
    assert (rows(path)[0]["sku"], rows(path)[0]["reference"]) == ("SHOE-9", "536365")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"quantity": [-1.5]}, 'line 1: quantity "-1.5" is not a whole number'),
        ({"quantity": [float("nan")]}, 'line 1: quantity "nan" is not a whole number'),
        ({"quantity": [float("-inf")]}, 'line 1: quantity "-inf" is more than 1,000,000 units'),
        ({"quantity": pa.array([2**63], pa.uint64())}, f'line 1: quantity "{2**63}" is more than 1,000,000 units'),
        ({"quantity": [None]}, "line 1: quantity is missing"),
        ({"quantity": [True]}, 'line 1: quantity "True" is bool, not a number'),
        ({"sku": [1.5]}, 'line 1: sku "1.5" is double, not text'),
        ({"occurred_at": [20260105]}, 'line 1: occurred_at "20260105" is int64, not a date and time'),
        ({"occurred_at": [1.5]}, 'line 1: occurred_at "1.5" is double, not a date and time'),
        ({"occurred_at": [None]}, "line 1: occurred_at is missing"),
        ({"occurred_at": [datetime(2027, 1, 1, tzinfo=UTC)]}, "lies in the future"),
    ],
)
def test_parquet_values_of_the_wrong_kind_are_named(tmp_path: Path, changed: dict[str, Any], expected: str) -> None:
    found = problems(parquet(tmp_path / "past.parquet", **changed))
    assert expected in found[0]


def test_parquet_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "past.parquet"
    pyarrow.parquet.write_table(pa.table({"sku": ["A"], "amount": [1]}), path)
    assert "past.parquet lacks columns occurred_at, movement_type, reason, quantity, reference" in refusal(path)


def test_parquet_that_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "past.parquet"
    path.write_bytes(b"PAR1 and then nothing of the kind")
    assert "past.parquet is not a Parquet file that can be read" in refusal(path)
