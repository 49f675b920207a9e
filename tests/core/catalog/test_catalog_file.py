"""A catalogue file is read, or refused with the line and the field. Nothing is guessed."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from core.catalog.file import CatalogFile, CatalogLine, UnreadableCatalog, read_catalog
from core.foundation.errors import Unreadable

FULL = "sku,product,brand,size,color,barcode,price,unit_cost,reorder_point,opening,active"


def read(text: str) -> CatalogFile:
    return read_catalog(text.encode(), "shoes.csv")


def said(file: CatalogFile) -> list[str]:
    return [str(problem) for problem in file.problems]


def test_a_full_row_is_read_with_every_field() -> None:
    file = read(f"{FULL}\nKR-40,Kestrel Runner,Kestrel,40,Slate,4006381333931,129.9,61,3,12,yes\n")
    assert file.problems == ()
    assert file.lines == (
        CatalogLine(
            line=2, sku="KR-40", product="Kestrel Runner", brand="Kestrel", size="40", color="Slate",
            barcode="4006381333931", price=Decimal("129.90"), unit_cost=Decimal("61.00"), reorder_point=3, opening=12,
            active=True,
        ),
    )  # fmt: skip


def test_an_empty_value_changes_nothing() -> None:
    (line,) = read("sku,product,brand,price,active\nKR-40,Runner,,,\n").lines
    assert (line.brand, line.price, line.active, line.opening) == (None, None, None, None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_comma_semicolon_and_tab_are_recognised(delimiter: str) -> None:
    text = delimiter.join(("sku", "product", "price")) + "\r\n" + delimiter.join(("KR-40", "Runner", "9.50")) + "\r\n"
    assert read(text).lines == (CatalogLine(line=2, sku="KR-40", product="Runner", price=Decimal("9.50")),)


def test_a_byte_order_mark_and_other_spellings_of_the_columns_are_accepted() -> None:
    file = read("\ufeffSKU; Product ;Unit-cost\nA;B;1,5\n")
    assert file.lines == (CatalogLine(line=2, sku="A", product="B", unit_cost=Decimal("1.50")),)


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    file = read('sku,product,opening\n\nA,"two\nlines",1\n,,\nB,Boot,x\n')
    assert said(file) == [
        'line 3: product "two\\nlines" has a control or invisible character',
        'line 6: opening "x" is not a whole number, zero or more',
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"sku;product\nA;\x81\n", "line 2 has a character that is neither UTF-8 nor Windows text"),
        (b"PK\x03\x04....", "is damaged"),
        (b"sku,product\nA\0,B\n", "contains binary data"),
        (b"sku,product\n", "has no rows"),
        (b"", "is empty"),
        (b"sku,name,product\nA,B,C\n", "has the unknown column name"),
        (b"sku,product,SKU\nA,B,C\n", "repeats column SKU"),
        (b"sku,price\nA,1\n", "lacks column product"),
        (b'sku,product\nA,"never closed\n', "line 2 cannot be read as CSV"),
        (b"sku,product\n" + b"x" * 50_000_000, "is larger than 50 MB"),
        (b"sku,product\n" + b"A,B\n" * 100_001, "has more than 100,000 rows"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=r"shoes\.csv") as refusal:
        read_catalog(content, "shoes.csv")
    assert sentence in refusal.value.message
    assert re.search(r"[Nn]othing was (imported|changed)\.$", refusal.value.message)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("sku", "", "line 2: sku is missing"),
        ("product", "", "line 2: product is missing"),
        ("sku", "A" * 81, f'line 2: sku "{"A" * 40}..." has more than 80 characters'),
        ("sku", "A\u200bB", 'line 2: sku "A\\u200bB" has a control or invisible character'),
        ("barcode", "4.00638E+12", "was shortened by a spreadsheet"),
        ("price", "free", "is not an amount such as 129.90"),
        ("price", "-1", "is not an amount such as 129.90"),
        ("price", "NaN", "is not an amount such as 129.90"),
        ("unit_cost", "10000000", "is more than 9,999,999.99"),
        ("opening", "1.5", "is not a whole number, zero or more"),
        ("opening", "-3", "is not a whole number, zero or more"),
        ("opening", "1000001", "is more than 1,000,000"),
        ("opening", "9" * 30, "is more than 1,000,000"),
        ("opening", "١٢", "is not a whole number, zero or more"),
        ("reorder_point", "few", "is not a whole number, zero or more"),
        ("active", "maybe", "is neither yes nor no"),
        ("brand", "x" * 100_000, "has more than 100 characters"),
    ],
)
def test_a_bad_value_is_named_with_its_line_and_field(field: str, value: str, why: str) -> None:
    values = {"sku": "A", "product": "B"} | {field: value}
    file = read(f"{';'.join(values)}\n{';'.join(values.values())}\n")
    (problem,) = file.problems
    assert problem.field == field
    assert why in str(problem)
    assert file.good == ()


def test_an_apostrophe_and_a_semicolon_are_ordinary_characters() -> None:
    (line,) = read('sku,product\n\'; drop table products; --,"Robert\'); ""x"""\n').lines
    assert (line.sku, line.product) == ("'; drop table products; --", 'Robert\'); "x"')


def test_all_bad_rows_are_named_at_once() -> None:
    file = read("sku,product,price,opening\nA,Boot,x,1.5\nB,Boot,1,1\nC,,2,2\nD,Boot\n")
    assert said(file) == [
        'line 2: price "x" is not an amount such as 129.90',
        'line 2: opening "1.5" is not a whole number, zero or more',
        "line 4: product is missing",
        "line 5: row has 2 values where the first line names 4 columns",
    ]
    assert [line.sku for line in file.good] == ["B"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("A,Boot,,1,\nA,Boot,,1,", 'line 3: sku "A" repeats line 2'),
        ("A,Boot,,1,\nA,Boot,,2,", 'sku "A" contradicts line 2: price is "1.00" there and "2.00" here'),
        ("A,Boot,,1,\nA,Boot,,,", 'sku "A" contradicts line 2: price is "1.00" there and empty here'),
        ("A,Boot,,1,\na,Boot,,1,", 'sku "a" differs only in letter case from "A" on line 2'),
        ("A,Boot,,1,777\nB,Boot,,1,777", 'barcode "777" is also the barcode of SKU A on line 2'),
        ("A,Boot,,1,\nB,BOOT,,1,", 'product "BOOT" is spelled "Boot" on line 2'),
        (
            "A,Boot,Halde,1,\nB,Boot,Marl,1,",
            'brand "Marl" contradicts line 2: the same product has the brand "Halde"',
        ),
    ],
)
def test_rows_that_contradict_each_other_are_named(rows: str, why: str) -> None:
    (problem,) = read(f"sku,product,brand,price,barcode\n{rows}\n").problems
    assert why in str(problem)


def test_a_long_list_of_bad_rows_is_shortened_but_counted() -> None:
    file = read("sku,product,price\n" + "".join(f"A{n},Boot,x\n" for n in range(60)))
    told = UnreadableCatalog("shoes.csv", file.problems).message
    assert told.startswith("shoes.csv has 60 bad rows; nothing was imported.\n  line 2: price")
    assert told.endswith("and 10 more.")
