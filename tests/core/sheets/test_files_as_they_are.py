"""A catalogue comes in as the file is. What has two readings is asked about, and what is spoilt is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.catalog.file import FIELDS, CatalogFile, catalog_of, read_catalog
from core.foundation.errors import Unreadable
from core.sheets import Choices, match, open_sheet
from tests.core.sheets.files import DE_THOUSANDS, EXPORTS, NEW_SHOPIFY_PRODUCTS, SEVEN, ods, program_xlsx, xlsx

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "files"
HEAD = "sku,product,size,opening\n"
WIDE = "sku;product;size;price;opening\n"
CHAIR: list[tuple[str, str, int | None]] = [("A-1", "Chair", 3)]

READ: dict[str, tuple[bytes, list[tuple[str, str, int | None]]]] = {
    "sep-line": (SEVEN["sep-line.csv"], [("A-1", "Schraube M4", 10)]),
    "title-row": (SEVEN["title-row.csv"], CHAIR),
    "trailing-comma-column": (SEVEN["trailing-comma-column.csv"], [*CHAIR, ("A-2", "Table", 4)]),
    "cp1252": (SEVEN["cp1252.csv"], [*CHAIR, ("A-2", "Table € lamp", 4)]),
    "utf16": (SEVEN["utf16.csv"], [("A-1", "Stühle", 3)]),
    "formulas": (SEVEN["formulas.csv"], [("=1+1", '=HYPERLINK("http://127.0.0.1/x","y")', 3), ("-5", "Minus five", 2),
                                         ("@SUM", "At", 1), ("+49", "Plus", 1)]),
    "a pipe": (b"sku|product|opening\nA-1|Chair|3\n", CHAIR),
    "old Mac line ends": (b"sku,product,opening\rA-1,Chair,3\r", CHAIR),
    "old Mac line ends and sep": (b"sep=;\rsku;product;opening\rA-1;Chair;3\r", CHAIR),
    "utf-8 with a mark": ("\ufeffsku;product;opening\r\nA-1;Chair;3\r\n".encode(), CHAIR),
    "utf-16 without a mark": ("sku,product,opening\nA-1,Chair,3\n".encode("utf-16-le"), CHAIR),
    "big-endian utf-16": ("\ufeffsku,product,opening\nA-1,Chair,3\n".encode("utf-16-be"), CHAIR),
    "a German header": ("Artikel-Nr;Bezeichnung;Größe;Bestand\nA-1;Chair;42;3\n".encode(), CHAIR),
    "an apostrophe before digits": (b"sku,product,opening\n'00123,Chair,'3\n", [("00123", "Chair", 3)]),
    "decomposed letters": ("sku,product,opening\nA-1,Sta\u0308hle,3\n".encode(), [("A-1", "Stähle", 3)]),
    "no-break and narrow spaces": ("sku;product;opening\nA-1;Oak\u00a0chair;1\u202f000\n".encode(),
                                   [("A-1", "Oak chair", 1000)]),
    "whole numbers with decimals": (b"sku,product,opening\nA-1,Chair,3.00\n", CHAIR),
    "a workbook": (xlsx([("sku", "product", "opening"), ("A-1", "Chair", 3)]), CHAIR),
    "a workbook with a title and empty columns": (
        xlsx([("Stock", None, None, None), (), ("sku", None, "product", "opening"), ("A-1", None, "Chair", 3.0)],
             first_row=2), CHAIR),
    "a number that a workbook stores": (xlsx([("sku", "product", "opening"), (4006381333931, "Chair", 1000)]),
                                        [("4006381333931", "Chair", 1000)]),
}  # fmt: skip

REFUSED: dict[str, tuple[bytes, str]] = {
    "a stray comma": (HEAD.encode() + b"A-1,Chair, red,,3\n", "line 2: row has 5 values where the first line names 4"),
    "a value too few": (HEAD.encode() + b"A-1,Chair,3\n", "line 2: row has 3 values where the first line names 4"),
    "a repeated column": (b"sku,product,SKU\nA-1,Chair,A-1\n", "repeats column SKU"),
    "a code that Excel has spoilt": ((WIDE + "4,00638E+12;Chair;;;1\n").encode(), 'sku "4,00638E+12" was shortened by'),
    "a code with more digits than Excel keeps": (
        xlsx([("sku", "product"), (1234567890123456789, "Chair")]), "was shortened by a spreadsheet"),
    "an English date for a size": ((HEAD + "A-1,Shirt,5-Mar,1\n").encode(), 'size "5-Mar" is a date'),
    "a German date for a size": ((HEAD + "A-1,Shirt,05-Mär,1\n").encode(), 'size "05-Mär" is a date'),
    "a month and a year for a size": ((HEAD + "A-1,Shirt,Jun 26,1\n").encode(), 'size "Jun 26" is a date'),
    "a date cell for a size": (
        xlsx([("sku", "product", "size"), ("A-1", "Shirt", date(2026, 3, 5))]), 'size "2026-03-05" is a date'),
    "a fraction of a unit": ((WIDE + "A-1;Chair;;;1,5\n").encode(), 'opening "1,5" is not a whole number'),
    "scientific units": ((HEAD + "A-1,Chair,,1e2\n").encode(), 'opening "1e2" was shortened by a spreadsheet'),
    "an error of a formula": ((HEAD + "#REF!,Chair,,1\n").encode(), "is an error that the spreadsheet shows"),
    "a picture": (b"\x89PNG\r\n", "neither a text table nor a workbook"),
    "a lone value in the last corner of a sheet": (
        xlsx([("sku", "product"), *[()] * 1_048_573, (*[None] * 16_383, "x")]), "has a sheet of 17,179,852,800 cells"),
    "a workbook that is cut": (xlsx([("sku", "product"), ("A-1", "Chair")])[:400], "is damaged"),
}  # fmt: skip

ASKED: dict[str, tuple[bytes, dict[str, str], list[tuple[str, str, int | None]]]] = {
    "a thousand": (DE_THOUSANDS, {"decimal": "comma"}, [("A-1", "Schraube M4", 1000)]),
    "not a thousand": (b"sku,product,opening\nA-1,Screw,1.000\n", {"decimal": "point"}, [("A-1", "Screw", 1)]),
    "a total": (b"sku,product,opening\nA-1,Chair,3\nA-2,Table,4\nTotal,,7\n", {"total": "leave-out"},
                [*CHAIR, ("A-2", "Table", 4)]),
    "a sum without a word": (b"sku,product,opening\nA-1,Chair,3\nA-2,Table,4\n,,7\n", {"total": "leave-out"},
                             [*CHAIR, ("A-2", "Table", 4)]),
    "a product called Total": (b"sku,product,opening\nTotal,Total Care,7\n", {"total": "keep"},
                               [("Total", "Total Care", 7)]),
    "two places": (f"{EXPORTS['Shopify inventory']}alm-boot,Alm Boot,Size,41,,,,,AB-41,,,Fair,,0,0,0,2,2,2\n".encode(),
                   {"location": "Fair"}, [("AB-41", "Alm Boot", 2)]),
}  # fmt: skip


def rows(file: CatalogFile) -> list[tuple[str, str, int | None]]:
    return [(line.sku, line.product, line.opening) for line in file.lines]


def test_files_of_every_shape_are_read() -> None:
    wrong = {}
    for name, (content, expected) in READ.items():
        file = read_catalog(content, name)
        if (rows(file), file.problems) != (expected, ()):
            wrong[name] = (rows(file), [str(problem) for problem in file.problems])
    assert wrong == {}


def test_what_is_spoilt_is_refused_with_the_line_or_the_reason() -> None:
    wrong = {}
    for name, (content, sentence) in REFUSED.items():
        try:
            said = "; ".join(map(str, read_catalog(content, "shoes.csv").problems))
        except Unreadable as refusal:
            said = refusal.message
        if sentence not in said:
            wrong[name] = said
    assert wrong == {}


def test_formulas_whose_results_a_program_did_not_store_are_refused_by_line_and_column() -> None:
    cells = ('<c r="C2"><f>10+2</f><v /></c>', '<c r="D2"><f>4+5</f></c>')
    zero = ('<c r="C2"><f>10+2</f><v>0</v></c>', '<c r="D2"><f>4+5</f><v>0</v></c>')
    shared = ('<c r="C2"><f>10+2</f></c>', '<c r="D2"><f t="shared" si="0"/><v/></c>')
    for prefix, two, calculates in (("", cells, False), ("x:", cells, False), ("", shared, False), ("", zero, True)):
        problems = read_catalog(program_xlsx(*two, prefix=prefix, calculates=calculates), "made.xlsx").problems
        assert [(each.line, each.field) for each in problems] == [(2, "price"), (2, "opening")], (prefix, two)
        assert str(problems[0]) == (
            'line 2: price "=10+2" is a formula, and the file does not hold its result; '
            "open the file in a spreadsheet program and save it, or save it as CSV"
        )
    kept = ('<c r="C2"><f>10+2</f><v>12</v></c>', '<c r="D2" t="str"><f>""</f><v></v></c>')
    file = read_catalog(program_xlsx(*kept), "saved.xlsx")
    assert (file.problems, file.lines[0].price, file.lines[0].opening) == ((), Decimal(12), None)


def test_formulas_far_down_a_large_workbook_are_refused_too() -> None:
    below = "".join(f'<row r="{row}"><c r="C{row}"><f>{row}+1</f></c></row>' for row in range(3, 15_000))
    problems = read_catalog(program_xlsx(below=below), "made.xlsx").problems
    assert [each.line for each in problems if each.field == "price"] == list(range(3, 15_000))
    with pytest.raises(Unreadable, match=r"has formulas without stored results: open the file in a spreadsheet"):
        read_catalog(program_xlsx(below=below.replace("</row>", '<c r="D3"><f>1</f></c></row>')), "made.xlsx")


def test_a_formula_without_a_result_in_an_ods_file_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"made.ods has formulas without stored results"):
        read_catalog(ods('table:formula="of:=10+2"'), "made.ods")
    saved = 'table:formula="of:=10+2" office:value-type="float" office:value="12"'
    assert read_catalog(ods(saved), "saved.ods").lines[0].opening == 12


def test_what_has_two_readings_is_asked_about_once_with_their_own_rows() -> None:
    wrong: dict[str, Any] = {}
    for name, (content, answers, expected) in ASKED.items():
        found = match(open_sheet(content, name), FIELDS)
        (question,) = found.questions
        with pytest.raises(Unreadable, match=r"Nothing was imported\.$") as alone:
            read_catalog(content, name)
        file = catalog_of(match(open_sheet(content, name), FIELDS, answers=answers))
        said = (question.name, f"--{question.name}" in alone.value.message, rows(file), file.problems)
        if said != (*answers, True, expected, ()):
            wrong[name] = said
        assert question.examples or question.name == "location"
    assert wrong == {}


def test_what_was_noticed_is_said() -> None:
    said = {name: open_sheet(SEVEN[name], name).notes for name in ("cp1252.csv", "title-row.csv", "utf16.csv")}
    assert said == {
        "cp1252.csv": ("The file is not UTF-8; it was read as Windows text. Check its special characters: “€”.",),
        "title-row.csv": ("“Bestand vom 29.11.2026” above the names of the columns was left out.",),
        "utf16.csv": (),
    }
    book = open_sheet(xlsx([("sku",), ("A",)], [("sku",), ("B",)]), "two.xlsx")
    assert (book.notes, book.others) == (("The sheet “Sheet1” was read, 1 other sheet was not.",), ("Sheet2",))
    assert open_sheet(xlsx([("sku",), ("A",)], [("sku",), ("B",)]), "two.xlsx", tab="Sheet2").records == [("B",)]


def test_exports_of_other_programs_are_known_by_name() -> None:
    wrong: dict[str, Any] = {}
    for name, text in EXPORTS.items():
        found = match(open_sheet(text.encode(), "export.csv"), FIELDS)
        line = catalog_of(found).lines[0]
        read = (found.source, line.sku, line.product, line.price, line.opening)
        if read != (name, "AB-41", "Alm Boot", None if name == "Shopify inventory" else Decimal("129.90"), 7):
            wrong[name] = read
    assert wrong == {}
    first, second = catalog_of(match(open_sheet(EXPORTS["Shopify products"].encode(), "x.csv"), FIELDS)).lines
    assert (first.size, first.barcode, second.product, second.brand, second.size) == (
        "41", "4006381333931", "Alm Boot", "Alm", "42",
    )  # fmt: skip


def test_the_newer_product_file_of_shopify_is_read_as_the_older_is() -> None:
    found = match(open_sheet(NEW_SHOPIFY_PRODUCTS.encode(), "export.csv"), FIELDS)
    file = catalog_of(found)
    assert (found.source, file.problems, found.questions) == ("Shopify products", (), ())
    assert [(line.sku, line.product, line.brand, line.size, line.color, line.opening) for line in file.lines] == [
        ("AB-41", "Alm Boot", "Alm", "41", "Moss", 7),
        ("AB-42", "Alm Boot", "Alm", "42", "Moss", 5),
    ]
    assert (file.lines[0].price, file.lines[0].unit_cost) == (Decimal("129.90"), Decimal(61))
    assert (file.lines[0].barcode, file.lines[1].barcode) == ("4006381333931", None)


def test_columns_without_a_name_are_guessed_from_their_values_and_never_where_nobody_looks() -> None:
    content = b"Nummer,Text,Zahl\nA-1,Chair,4006381333931\nA-2,Table,4006381333948\n"
    found = match(open_sheet(content, "x.csv"), FIELDS)
    assert {name: found.title(name) for name in found.guessed} == {
        "sku": "Nummer",
        "product": "Text",
        "barcode": "Zahl",
    }
    with pytest.raises(Unreadable, match="--column FIELD=TITLE says which column is which"):
        read_catalog(content, "x.csv")
    chosen = Choices(columns={"sku": "Nummer", "product": "Text"}, leaves_out=True)
    assert [line.sku for line in read_catalog(content, "x.csv", chosen).lines] == ["A-1", "A-2"]


def test_the_seven_shared_files_are_those_tested_here() -> None:
    if not SHARED.exists():
        pytest.skip("The shared files are not beside this copy of the project; their copies are tested above.")
    assert {path.name: path.read_bytes() for path in SHARED.glob("*.csv")} == SEVEN
