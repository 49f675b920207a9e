"""A number is read as it was meant, in every country's writing, or refused. None is cut and none is guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.sheets.model import COMMA, POINT, NumberCell
from core.sheets.numbers import TwoReadings, number

READ = {
    "0,5": "0.5", "1.234,50 €": "1234.50", "$1,234.50": "1234.50", "1 234,5": "1234.5", "1'234.50": "1234.50",
    "1.000.000": "1000000", "12.50 EUR": "12.50", "EUR 12": "12", "CHF 1\u2019000": "1000", "5-": "-5", "\u22123": "-3",
    "+7": "7", "0.125": "0.125", "129,9": "129.9", "1234.567": "1234.567", "3 kr": "3", "12 zł": "12",
}  # fmt: skip
REFUSED = (
    "",
    "free",
    "1,2,3",
    "1.00.0",
    "1e2",
    "4,00638E+12",
    "--5",
    "1.000,5.0",
    "١٢",
    "1 00",
    "5 6",
    ".",
    "0x1F",
    "NaN",
)


def test_numbers_of_every_country_are_read() -> None:
    assert {text: str(number(text)) for text in READ} == READ


def test_what_is_no_number_is_refused() -> None:
    for text in REFUSED:
        with pytest.raises(ValueError, match=r"^$|spreadsheet"):
            number(text)


def test_a_mark_before_three_digits_has_two_readings_until_the_file_has_one() -> None:
    for text in ("1.000", "1,000", "12.345", "-1.000", "999,999 €"):
        with pytest.raises(TwoReadings):
            number(text)
    assert [number("1.000", COMMA), number("1.000", POINT)] == [Decimal(1000), Decimal(1)]
    assert [number("1,000", COMMA), number("1,000", POINT)] == [Decimal(1), Decimal(1000)]
    assert number(NumberCell("1.125")) == Decimal("1.125")
    with pytest.raises(ValueError, match="does not fit a file with a decimal comma"):
        number("129.90", COMMA)


@settings(deadline=None)
@given(
    value=st.decimals(min_value=-9_999_999, max_value=9_999_999, places=2),
    group=st.sampled_from(["", ".", ",", " ", "\u00a0", "'"]),
    sign=st.sampled_from(["", " €", "$", "CHF "]),
)
@example(value=Decimal("1000.00"), group=".", sign=" €")
def test_an_amount_comes_back_from_any_countrys_writing(value: Decimal, group: str, sign: str) -> None:
    mark = "," if group == "." else "."
    written = f"{value:,.2f}".replace(",", "\0").replace(".", mark).replace("\0", group)
    text = f"{sign}{written}" if sign in ("$", "CHF ") else f"{written}{sign}"
    assert number(text) == value
    assert number(text, COMMA if mark == "," else POINT) == value


@settings(deadline=None)
@given(st.text(max_size=12))
def test_no_text_is_read_in_two_ways(text: str) -> None:
    """What is read without a style is read alike with the style that it fits."""
    try:
        plain = number(text)
    except ValueError:
        return
    readings = []
    for style in (COMMA, POINT):
        try:
            readings.append(number(text, style))
        except ValueError:
            continue
    assert set(readings) == {plain}
