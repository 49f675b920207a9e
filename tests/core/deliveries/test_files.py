"""A supplier's note in somebody else's shape: a German file with semicolons, a packing list with a title row."""

from __future__ import annotations

import io
from decimal import Decimal

import xlsxwriter

from core.deliveries import files
from core.sheets import match, open_sheet


def test_a_german_file_in_windows_letters_is_read_with_its_problem_named() -> None:
    rows = ("Lieferschein 4711 vom 29.11.2026;;;", "", "Artikelnummer;Bezeichnung;Menge;EK-Preis",
            "TR-42;Läufer;12;39,90", "TR-43;Läufer;1,5;39,90", ";;;")  # fmt: skip
    text = "\r\n".join(rows)
    found = match(open_sheet(text.encode("cp1252"), "LS-4711.csv"), files.FIELDS)
    assert found.is_settled, found.questions
    good, odd = files.lines_of(found)
    assert (good.code, good.units, good.unit_cost, good.problem) == ("TR-42", 12, Decimal("39.90"), None)
    assert (odd.code, odd.units, odd.original) == ("TR-43", 0, "TR-43\tLäufer\t1,5\t39,90")
    assert odd.problem is not None
    assert odd.problem.startswith("Line 5: quantity “1,5”")
    assert "TR-42\tLäufer\t12\t39,90" in files.original_of(found)


def test_a_packing_list_in_a_workbook_with_a_title_is_read() -> None:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet("Packing list")
    for number, row in enumerate(
        [["PACKING LIST FJ-2026-118"], [], ["Carton", "Item No.", "Description", "Qty shipped", "Unit price"],
         [1, "TR-42", "Trail runner 42", 12, 39.9], [2, "00123", "Boot", 4, 55]]
    ):  # fmt: skip
        sheet.write_row(number, 0, row)
    book.close()
    found = match(open_sheet(content.getvalue(), "packing.xlsx"), files.FIELDS)
    assert found.is_settled, (found.questions, found.missing)
    assert [(line.code, line.units, line.unit_cost) for line in files.lines_of(found)] == [
        ("TR-42", 12, Decimal("39.90")), ("00123", 4, Decimal("55.00")),
    ]  # fmt: skip
