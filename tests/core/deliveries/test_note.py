"""Pasted lines of a note: separators, what other people call the columns, and numbers that mean what they say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.deliveries import note
from core.foundation.errors import Unreadable


def read(text: str) -> list[tuple[str, int, Decimal | None]]:
    lines = note.parse(text)
    assert not [line.problem for line in lines if line.problem]
    return [(line.code, line.units, line.unit_cost) for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "TR-42\t12\t9,50", "TR-42;12;9,50", "TR-42, 12, 9.50", "TR-42,12,9.50", "TR-42 12 9.50", "TR-42 12 9,50",
        "  TR-42  12   9.50 €\n", "\ufeffTR-42;12;€ 9,50\r\n\r\n;;\n", "TR\u201142\t12\t9.50 EUR",
        '"TR-42";"12";"9.50"',
        "Artikelnummer;Menge;EK-Preis\nTR-42;12;9,50", "EK-Preis;Bezeichnung;Menge;Art.-Nr.\n9,50;Schuh;12;TR-42",
        "Qty.\tSKU\tUnit cost\n12\tTR-42\t9.50",
    ],
)  # fmt: skip
def test_a_line_is_read_in_every_shape(text: str) -> None:
    assert read(text) == [("TR-42", 12, Decimal("9.50"))]


def test_a_sku_with_spaces_is_read_between_other_separators() -> None:
    assert read("Air Max 42\t3\nAir Max 43;4\nAir Max 44, 5") == [
        ("Air Max 42", 3, None), ("Air Max 43", 4, None), ("Air Max 44", 5, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A;1.5", "“1.5”: write a whole number"), ("A 1.5", "“1.5”"), ("A;1e2", "“1e2”"), ("A;1,000", "“1,000”"),
        ("A 1,000", "“1,000”"), ("A;1.000", "“1.000”"), ("A;-3", "“-3”"), ("A;+3", "“+3”"), ("A;0", "between 1 and"),
        ("A;\u0663", "write a whole number"), ("A;3 pcs", "“3 pcs”"), ("A", "quantity that is missing"),
        (";4", "has no SKU"),
        ("A;9999999", "between 1 and 1,000,000"), ("A;2;1.234", "a thousand or a fraction"),
        ("A;2;cheap", "like 12.50"),
        ("A,2,9,50", "has 4 values"), ("A B C 2", "quantity"),
    ],
)  # fmt: skip
def test_what_could_mean_something_else_is_refused_and_the_line_is_kept(text: str, why: str) -> None:
    good, odd = note.parse(f"B;2\n{text}")
    assert (good.code, good.units, good.problem) == ("B", 2, None)
    assert odd.problem is not None
    assert why in odd.problem
    assert odd.problem.startswith("Line 2 ")
    assert (odd.units, odd.original) == (0, text)


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1'234.5", "1234.5"),
        ("12", "12"),
        ("0,0125", "0.0125"),
        ("", None),
    ],
)
def test_a_cost_is_read_as_people_write_it(text: str, cost: str | None) -> None:
    assert note.money(text) == (Decimal(cost) if cost else None)


def test_a_code_alone_counts_one_only_where_goods_arrive() -> None:
    assert [(line.code, line.units) for line in note.parse("A\nA\nB;3", bare=1)] == [("A", 1), ("A", 1), ("B", 3)]


def test_too_many_lines_are_refused_as_a_whole() -> None:
    with pytest.raises(Unreadable, match="limit is 10,000"):
        note.parse("A;1\n" * 10_001)
