"""Numbers, money and days in the reader's locale, by the rules of the Unicode CLDR."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_day_names
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

from core.foundation import numbers
from core.people.reading import DEFAULT_LOCALE
from dashboard.language.reader import reader
from dashboard.language.texts import PSEUDO

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "INR": "₹"}
_KEPT = 8_192


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name, sep="-")


def locale() -> Locale:
    """Return the locale of the reader's numbers and days."""
    return _locale(reader().locale)


def spoken() -> Locale:
    """Return the locale of what is said in words: the reader's, if its language is that of the texts."""
    language, found = reader().language, locale()
    if language in (found.language, PSEUDO):
        return found
    return _locale(language) if language != "en" else _locale(DEFAULT_LOCALE)


def number(value: float | Decimal, digits: tuple[int, int] | None = None) -> str:
    """Return a number with the reader's separators; `digits`: at least and at most so many decimals."""
    return _number(value, digits, reader().locale)


@lru_cache(_KEPT, typed=True)
def _number(value: float | Decimal, digits: tuple[int, int] | None, name: str) -> str:
    found = _locale(name)
    if digits is None and not isinstance(value, int):
        text = f"{value}"
        decimals = len(text.partition(".")[2]) if "e" not in text.lower() else 6
        digits = (decimals, decimals)
    least, most = digits or (0, 0)
    pattern = f"#,##0.{'0' * least}{'#' * (most - least)}" if most else "#,##0"
    if found.decimal_formats[None].grouping[1] == 2:  # lakhs and crores
        pattern = f"#,##,##0{pattern[5:]}"
    # Babel takes the apostrophes of 1'234'567 for quotes, so the separators of the locale are put in afterwards.
    return format_decimal(value, format=pattern, locale="en").translate(_marks(name))


@cache
def _marks(name: str) -> dict[int, str]:
    decimal, group = get_decimal_symbol(_locale(name)), get_group_symbol(_locale(name))
    return str.maketrans({".": decimal, ",": group.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}"), "-": MINUS})


def money(amount: Decimal, currency: str, digits: int) -> str:
    """Return an amount in a currency with this many decimals: €1,284.30, 1.284,30 €, 12.00 CHF."""
    sign = MINUS if amount < 0 else ""
    figure = number(abs(amount), (digits, digits))
    symbol = _SYMBOLS.get(currency)
    if symbol is None:
        return f"{sign}{figure}{SPACE}{currency}"
    return f"{sign}{symbol}{figure}" if _symbol_first(reader().locale) else f"{sign}{figure}{SPACE}{symbol}"


@cache
def _symbol_first(name: str) -> bool:
    return str(_locale(name).currency_formats["standard"].pattern).startswith(("¤", "\u200f¤", "\u200e¤"))


def currency(code: str, english: str) -> str:
    """Return the name of a currency in the reader's language, or its English one."""
    return english if reader().language == "en" else str(spoken().currencies.get(code, english))


def percent(share: float, digits: int = 0, *, fixed: bool = False) -> str:
    """Return a share as a percentage: 0.125 is 12.5%, 12,5 %."""
    figure = number(round(share * 100, digits), (digits if fixed else 0, digits))
    return figure + _percent_sign(reader().locale)


@cache
def _percent_sign(name: str) -> str:
    pattern = str(_locale(name).percent_formats[None].pattern)
    return "%" if pattern.endswith("0%") else f"{SPACE}%"


@lru_cache(_KEPT)
def _day(value: date, name: str) -> str:
    return format_date(value, "medium", locale=_locale(name)).replace("Sept ", "Sep ")


def day(value: date) -> str:
    """Return a day: 23 Nov 2026, Nov 23, 2026, 23.11.2026."""
    return _day(value, reader().locale)


@lru_cache(_KEPT)
def _short_day(value: date, name: str) -> str:
    found = _locale(name)
    skeleton = "MMMd" if found.language == "en" else "Md"
    return format_skeleton(skeleton, datetime(value.year, value.month, value.day), locale=found).replace("Sept", "Sep")  # noqa: DTZ001


def short_day(value: date) -> str:
    """Return a day without its year: 23 Nov, 23.11."""
    return _short_day(value, reader().locale)


def month(value: date) -> str:
    """Return a month: Nov 2026."""
    return format_skeleton("yMMM", datetime(value.year, value.month, 1), locale=spoken())  # noqa: DTZ001


@lru_cache(_KEPT)
def _clock(hour: int, minute: int, name: str) -> str:
    return format_time(datetime(2000, 1, 1, hour, minute).time(), "short", locale=_locale(name))  # noqa: DTZ001


def clock(at: datetime | time) -> str:
    """Return a time of day: 14:05, 2:05 PM."""
    return _clock(at.hour, at.minute, reader().locale)


def weekday(value: date, *, short: bool = False) -> str:
    """Return the day of the week: Monday, Montag; short: Mon, Mo."""
    return str(get_day_names("abbreviated" if short else "wide", locale=spoken())[value.weekday()])


_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "month": 30 * 86_400, "year": 365 * 86_400}
Unit = Literal["minute", "hour", "day", "month", "year"]


def ago(count: int, unit: Unit) -> str:
    """Return how long ago something was: 3 minutes ago, vor 2 Tagen."""
    past = timedelta(seconds=-count * _SECONDS[unit])
    return format_timedelta(past, granularity=unit, threshold=1e9, add_direction=True, locale=spoken())


def group_mark(browser: str | None) -> str:
    """Return what separates thousands in numbers that the reader types, or "" if uncertain."""
    found = reader()
    return numbers.group_mark(found.locale if found.has_chosen else browser)


def separators() -> str:
    """Return the marks of decimals and thousands, as Plotly takes them."""
    found = locale()
    return f"{get_decimal_symbol(found)}{get_group_symbol(found)}"


# Streamlit's date input knows these patterns only.
_INPUTS = {"en-US": "MM/DD/YYYY", "ja-JP": "YYYY/MM/DD", "sv-SE": "YYYY-MM-DD", "en-CA": "YYYY-MM-DD"}


def date_input() -> str:
    """Return the format of date inputs: the reader's, or year-month-day if nobody has chosen one."""
    found = reader()
    if not found.has_chosen:
        return "YYYY-MM-DD"
    mark = "." if "." in format_date(date(2026, 11, 23), "short", locale=locale()) else "/"
    return _INPUTS.get(found.locale, f"DD{mark}MM{mark}YYYY")


def column_day(*, year: bool = True) -> str:
    """Return the format of days in a table, as Streamlit takes it."""
    found = locale()
    if found.language == "en":
        first = found.territory == "US"
        return ("MMM D, YYYY" if year else "MMM D") if first else ("D MMM YYYY" if year else "D MMM")
    pattern = date_input()
    return pattern if year else pattern.replace("YYYY", "").strip("/-")


def column_moment(*, year: bool = True) -> str:
    """Return the format of moments in a table, as Streamlit takes it."""
    hours = "h:mm A" if "a" in str(locale().time_formats["short"].pattern) else "HH:mm"
    return f"{column_day(year=year)}, {hours}"


def column_distance() -> str:
    """Return the format of moments in a table that says how long ago they were, as Streamlit takes it.

    Streamlit says it in English only; other readers see the day. Both sort by time when the head is clicked.
    """
    return "distance" if reader().language == "en" else column_day()


def chart_day(english: str) -> str:
    """Return the format of a day or month in a chart. Charts know English names only; other readers see numbers."""
    if locale().language == "en":
        return english
    day = date_input().replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d")
    month = "%m.%Y" if "." in day else "%m/%Y"
    named = english.replace("%a, ", "").replace("%-d %b %Y", day).replace("%B %Y", month).replace("%b %Y", month)
    return named.replace("%-d %b", day.replace("%Y", "").strip("/-"))
