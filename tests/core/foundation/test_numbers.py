"""Numbers that people type: each is read as what it says, or refused."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.foundation.errors import InvalidInput
from core.foundation.numbers import amount, group_mark, whole

READ = [
    ("12", "", 12),
    (" 7 ", "", 7),
    ("+3", "", 3),
    ("-4", "", -4),
    ("\u22124", "", -4),
    ("007", "", 7),
    ("1 000", "", 1000),
    ("1\u00a0000", "", 1000),
    ("12\u202f345\u202f678", "", 12_345_678),
    ("1'000", "", 1000),
    ("1\u2019000", "", 1000),
    ("1.000", ".", 1000),
    ("1,000", ",", 1000),
    ("-1,234,567", ",", -1_234_567),
]
REFUSED = [
    ("", "", "are required"),
    ("  ", "", "are required"),
    ("1.5", "", "whole number"),
    ("1.5", ".", "whole number"),
    ("2.7", ",", "whole number"),
    ("1,5", ".", "whole number"),
    ("1,5", "", "whole number"),
    ("1e2", "", "whole number"),
    ("1.000", "", "thousand in some languages"),
    ("1,000", "", "thousand in some languages"),
    ("1.000", ",", "thousand in some languages"),
    ("1,000", ".", "thousand in some languages"),
    ("1.000.000", ",", "thousand in some languages"),
    ("1.000,5", ".", "whole number"),
    ("1,0000", ",", "whole number"),
    ("1.000,000", ".", "whole number"),
    ("1 00", "", "whole number"),
    ("--4", "", "whole number"),
    ("twelve", "", "whole number"),
    ("0x10", "", "whole number"),
    ("\u0661\u0662", "", "whole number"),
    ("1_000", "", "whole number"),
    ("\u00bd", "", "whole number"),
    ("=2", "", "whole number"),
    ("inf", "", "whole number"),
    ("9" * 30, "", "whole number"),
]


def test_a_whole_number_is_read_as_what_it_says() -> None:
    for typed, mark, number in READ:
        assert whole(typed, "units", lowest=-(10**9), highest=10**9, mark=mark) == number, typed


def test_what_is_not_one_whole_number_is_refused_with_the_reason() -> None:
    for typed, mark, why in REFUSED:
        with pytest.raises(InvalidInput, match=why):
            whole(typed, "units", lowest=0, highest=10**9, mark=mark)


def test_a_number_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        whole("0", "units", lowest=1, highest=9)
    with pytest.raises(InvalidInput, match="at most 1,000"):
        whole("1001", "units", lowest=1, highest=1000)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["", ",", ".", " ", "\u00a0", "\u202f", "'", "\u2019"]))
def test_a_number_grouped_as_its_reader_groups_it_is_the_same_number(number: int, mark: str) -> None:
    typed = f"{number:,}".replace(",", mark)
    assert whole(typed, "units", lowest=-(10**9), highest=10**9, mark=mark if mark in ("", ".", ",") else "") == number


@given(st.text("0123456789.,' -+e", max_size=9), st.sampled_from(["", ",", "."]))
def test_no_text_is_read_with_other_digits_than_it_has(typed: str, mark: str) -> None:
    try:
        number = whole(typed, "units", lowest=-(10**12), highest=10**12, mark=mark)
    except InvalidInput:
        return
    assert str(abs(number)) == ("".join(c for c in typed if c.isdigit()).lstrip("0") or "0")


def test_an_amount_has_its_decimals_after_a_point_or_a_comma() -> None:
    for typed, digits, mark, value in [
        ("129.90", 2, "", "129.90"),
        ("129,9", 2, "", "129.9"),
        ("-3", 2, "", "-3"),
        ("1.299,90", 2, ".", "1299.90"),
        ("1,299.90", 2, ",", "1299.90"),
        ("1 299,90", 2, "", "1299.90"),
        ("1,299", 0, ",", "1299"),
        ("1.250", 3, ",", "1.250"),
        ("1,250", 3, ".", "1.250"),
    ]:
        assert amount(typed, "price", digits=digits, mark=mark) == Decimal(value), typed
    for typed, digits, mark in [
        ("1.299", 2, ""),
        ("1.299", 2, ","),
        ("1.250", 3, ""),
        ("129.9", 0, ""),
        ("1.2.3", 2, ""),
        ("12 EUR", 2, ""),
        ("1e2", 2, ""),
        ("", 2, ""),
    ]:
        with pytest.raises(InvalidInput):
            amount(typed, "price", digits=digits, mark=mark)


def test_a_refused_price_is_never_followed_by_advice_that_makes_it_a_hundred_times_as_much() -> None:
    for typed, mark, example in [
        ("1.299,90", ",", "1299.90"),
        ("1,299.90", ".", "1299,90"),
        ("1.299", "", "1299.90"),
    ]:
        with pytest.raises(InvalidInput, match=rf"two decimals and .* such as {re.escape(example)}\.?$"):
            amount(typed, "price", digits=2, mark=mark)
        assert amount(example, "price", digits=2, mark=mark) == Decimal("1299.90")
    for refuse in (lambda: amount("1.299", "price", digits=0), lambda: whole("1.299", "units", lowest=0, highest=9)):
        with pytest.raises(InvalidInput, match="Type the digits without a point or comma"):
            refuse()


def test_the_reader_s_language_says_what_separates_thousands() -> None:
    marks = {"de-DE": ".", "de": ".", "en-US": ",", "EN_gb": ",", "de-CH": "", "fr-FR": "", "xx": "", "": ""}
    assert {locale: group_mark(locale) for locale in marks} == marks
    assert group_mark(None) == ""
