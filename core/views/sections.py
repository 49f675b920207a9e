"""What a mail says of one view: numbers, rows and a chart, as plain data. Rights are those of the person it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

MOST_ROWS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars for each name in `labels`, of one series or several above each other; those below zero point down.

    `colours`: the place of each series in the colours of our charts. `across`: the bars are horizontal.
    """

    title: str
    unit: str
    labels: tuple[str, ...]
    series: Mapping[str, tuple[float, ...]]
    colours: Mapping[str, int] = field(default_factory=dict)
    across: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A view in a mail. `more`: how many rows follow those that it lists. `path`: where it opens."""

    title: str
    path: str
    about: str
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more: int = 0
    chart: Chart | None = None


def day(value: date) -> str:
    """Return a day as mails write it: 23 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def moment(at: datetime, zone: str) -> str:
    """Return a moment on the clock of the shop as mails write it: 23 Nov 2026, 14:05."""
    on_clock = at.astimezone(ZoneInfo(zone))
    return f"{day(on_clock.date())}, {on_clock:%H:%M}"


def asked_day(text: str) -> date | None:
    """Return the day that an address names, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def labelled(text: str, choices: Mapping[str, str]) -> str | None:
    """Return the code of a choice that an address names by its code or its label, in any letter case, or None."""
    wanted = text.strip().casefold()
    return next((code for code, label in choices.items() if wanted in (code.casefold(), label.casefold())), None)


def first(rows: Sequence[tuple[str, ...]], total: int | None = None) -> tuple[tuple[tuple[str, ...], ...], int]:
    """Return the first rows of a list, and how many follow of all."""
    shown = tuple(rows[:MOST_ROWS])
    return shown, max((len(rows) if total is None else total) - len(shown), 0)
