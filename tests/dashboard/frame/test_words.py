"""Text: signs, units, money, times in the shop's time zone, escaped names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from core.foundation.model import LevelRow, MovementType, Role
from dashboard.frame import words
from dashboard.frame.words import MINUS, NOTHING, SPACE
from dashboard.language.reader import Reader, reading

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def said(text: str) -> str:
    return text.replace(SPACE, " ")


@pytest.mark.parametrize(
    ("units", "text"),
    [(3, "+3"), (-2, f"{MINUS}2"), (0, "±0"), (12_345, "+12,345"), (-1_000_000, f"{MINUS}1,000,000")],
)
def test_a_change_always_has_its_sign_and_a_real_minus(units: int, text: str) -> None:
    assert words.signed(units) == text


def test_one_unit_is_not_one_units() -> None:
    assert [said(words.units(count)) for count in (0, 1, 2, 1_234)] == ["0 units", "1 unit", "2 units", "1,234 units"]
    assert [said(words.signed_units(count)) for count in (-1, 1, -2)] == [
        f"{MINUS}1 unit",
        "+1 unit",
        f"{MINUS}2 units",
    ]
    assert said(words.change(5, 3)) == "5 → 3"


@pytest.mark.parametrize(
    ("came", "went", "text"), [(7, 0, "+7"), (0, 3, f"{MINUS}3"), (7, 3, f"+7 and {MINUS}3"), (0, 0, "±0")]
)
def test_units_in_and_out_are_said_only_where_there_are_some(came: int, went: int, text: str) -> None:
    assert words.came_and_went(came, went) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1284.3", "EUR", "€1,284.30"),
        ("-12", "USD", f"{MINUS}$12.00"),
        ("500", "JPY", "¥500"),
        ("12", "CHF", "12.00 CHF"),
        ("9000", "KRW", "9,000 KRW"),
    ],
)
def test_money_is_said_the_way_of_its_currency(amount: str, currency: str, text: str) -> None:
    assert said(words.money(Decimal(amount), currency)) == text


def test_money_that_is_not_known_is_a_dash_and_large_amounts_have_no_cents() -> None:
    assert words.money(None, "EUR") == NOTHING
    assert words.round_money(Decimal("100338.49"), "EUR") == "€100,338"
    assert said(words.round_money(Decimal("1200.5"), "CHF")) in ("1,200 CHF", "1,201 CHF")


def test_moments_are_in_the_shops_time_zone() -> None:
    """Pains 21: a shop in Auckland is a day ahead of UTC for half of its day."""
    late = datetime(2026, 11, 22, 20, 5, tzinfo=UTC)
    assert words.moment(late, "Pacific/Auckland") == "23 Nov 2026, 09:05"
    assert words.moment(late, "America/New_York") == "22 Nov 2026, 15:05"
    assert words.short_moment(late, "Pacific/Auckland") == "23 Nov, 09:05"
    assert words.moment(None, "UTC") == NOTHING


def test_a_clock_change_moves_the_hour_and_not_the_moment() -> None:
    before, after = datetime(2026, 9, 26, 13, 59, tzinfo=UTC), datetime(2026, 9, 26, 14, 1, tzinfo=UTC)
    assert words.moment(before, "Pacific/Auckland") == "27 Sep 2026, 01:59"
    assert words.moment(after, "Pacific/Auckland") == "27 Sep 2026, 03:01"


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=61), "2 months ago"),
        (timedelta(days=5_463), "14 years ago"),
    ],
)
def test_how_long_ago_something_was(past: timedelta, text: str) -> None:
    assert said(words.ago(NOW - past, NOW)) == text


def test_what_never_happened_was_never() -> None:
    assert words.ago(None, NOW) == "never"


def test_cover_is_days_until_it_is_gone() -> None:
    assert [said(words.cover(days)) for days in (None, 0.2, 1.0, 45.4, 900.0)] == [
        NOTHING, "0 days", "1 day", "45 days", "over a year",
    ]  # fmt: skip


def test_names_are_listed_as_a_sentence_lists_them() -> None:
    assert [words.listing(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["*bold*", "[a](https://b.example)", "# head", "$x$", ":red[x]", "a_b`c`", "1 < 2 & <b>"]
)
def test_markdown_in_a_name_is_shown_letter_by_letter(name: str) -> None:
    shown = words.plain(name)
    said = shown.replace(":color[]", "")
    assert said.replace("\\", "") == name
    assert all(said[at - 1] == "\\" for at, letter in enumerate(said) if letter in "*[]()#$:_`<>&")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://b.example", r"https\::color[]//b\.example"),
        ("www.b.example", r"www:color[]\.b\.example"),
        ("sam@b.example", r"sam@:color[]b\.example"),
        (":smile:", r"\::color[]smile\::color[]"),
        ("a -> b", r"a \-:color[]\> b"),
    ],
)
def test_links_icons_and_arrows_are_broken_where_streamlit_would_find_them(name: str, shown: str) -> None:
    assert words.plain(name) == shown


def test_a_time_is_no_icon_and_what_cannot_be_sent_is_replaced() -> None:
    assert words.plain("at 14:05") == r"at 14\:05"
    assert words.plain("a\0b\ud800\n\n    c") == "a\ufffdb\ufffd c"


def test_every_movement_type_and_role_has_its_words() -> None:
    assert set(words.TYPE_LABELS) == set(words.TYPE_PLURALS) == set(MovementType)
    assert set(words.ROLE_LABELS) == set(Role)


@pytest.mark.parametrize(
    ("product", "color", "text"),
    [
        ("Runner Lilac (Women's)", "lilac", "Runner Lilac (Women's) · size 39"),
        ("Runner", "Lilac", "Runner · size 39 · Lilac"),
        ("Runner", None, "Runner · size 39"),
    ],
)
def test_a_colour_is_said_once(product: str, color: str | None, text: str) -> None:
    assert words.variant(level(product=product, color=color)) == text


@pytest.mark.parametrize(
    ("state", "active", "text"),
    [("out", True, "Out"), ("low", True, "Low"), ("healthy", True, "In stock"), ("healthy", False, "Inactive")],
)
def test_the_state_of_a_level_is_a_word_or_two(state: str, active: bool, text: str) -> None:
    assert words.status(level(state=state, is_active=active)) == text


def level(**values: Any) -> LevelRow:
    known = {
        "variant_id": uuid4(), "product_id": uuid4(), "sku": "A-1", "barcode": None, "product": "Runner", "brand": None,
        "size": "39", "color": None, "price": None, "unit_cost": None, "on_hand": 9, "reserved": 0, "available": 9,
        "reorder_point": 3, "is_active": True, "movement_count": 1, "last_moved_at": None, "last_counted_at": None,
        "state": "healthy",
    }  # fmt: skip
    return LevelRow(**(known | values))  # type: ignore[arg-type]


def test_a_part_of_stockroom_is_named_in_the_readers_language_and_a_person_as_they_are() -> None:
    assert words.who("Command line") == "Command line"
    with reading(Reader(language="de")):
        assert words.who("Command line") == "Befehlszeile"
        assert words.who("Stock") == "Stock", "a person who has a name that is a text of a page"
