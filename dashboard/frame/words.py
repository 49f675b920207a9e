"""How things are said: labels, signed quantities with a real minus sign, money, and times in the shop's own zone."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.carts.values import minor_digits
from core.foundation.model import LevelRow, LevelState, Movement, MovementType, Role

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
ARROW = "\N{RIGHTWARDS ARROW}"
DOT = " \N{MIDDLE DOT} "
SPACE = "\N{NO-BREAK SPACE}"

TYPE_LABELS = {
    MovementType.PURCHASE: "Purchase",
    MovementType.SALE: "Sale",
    MovementType.RESTORATION: "Restoration",
    MovementType.ADJUSTMENT: "Adjustment",
    MovementType.COUNT: "Count",
}
TYPE_PLURALS = {
    MovementType.PURCHASE: "Purchases",
    MovementType.SALE: "Sales",
    MovementType.RESTORATION: "Restorations",
    MovementType.ADJUSTMENT: "Adjustments",
    MovementType.COUNT: "Counts",
}
LEVEL_STATES: dict[str, str] = {LevelState.OUT: "Out", LevelState.LOW: "Low", LevelState.HEALTHY: "In stock"}
ROLE_LABELS = {role: role.value.capitalize() for role in Role}

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "AUD": "A$", "CAD": "C$", "NZD": "NZ$", "INR": "₹"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:<>^=&])")


def number(value: float) -> str:
    """Return `value` with thousands marked and a real minus sign: 1,234."""
    return f"{value:,}".replace("-", MINUS)


def signed(units: int) -> str:
    """Return units that came or went with their sign, as in +3; a count that found no difference is ±0."""
    return "±0" if units == 0 else f"{'+' if units > 0 else MINUS}{abs(units):,}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: 1 variant, 12 variants."""
    return f"{number(count)}{SPACE}{one if abs(count) == 1 else many or one + 's'}"


def units(count: int) -> str:
    """Return a quantity with its unit: 12 units."""
    return plural(count, "unit")


def signed_units(count: int) -> str:
    """Return a change with its sign and unit: +2 units."""
    return f"{signed(count)}{SPACE}unit{'' if abs(count) == 1 else 's'}"


def came_and_went(came: int, went: int) -> str:
    """Return units in and units out, each with its sign, and only what there is."""
    return " and ".join(signed(units) for units in (came, -went) if units) or signed(0)


def change(before: int, after: int) -> str:
    """Return a level before and after: 5 → 3."""
    return f"{number(before)}{SPACE}{ARROW}{SPACE}{number(after)}"


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount in the shop's currency: €1,284.30, ¥500, 12.00 CHF."""
    if amount is None:
        return NOTHING
    figure = f"{abs(amount):,.0f}" if minor_digits(currency) == 0 else f"{abs(amount):,.2f}"
    sign = MINUS if amount < 0 else ""
    return f"{sign}{_SYMBOLS[currency]}{figure}" if currency in _SYMBOLS else f"{sign}{figure}{SPACE}{currency}"


def round_money(amount: Decimal | None, currency: str) -> str:
    """Return a large amount without its cents: €1,284,300."""
    whole = None if amount is None else amount.quantize(Decimal(1))
    return money(whole, currency).removesuffix(".00").replace(f".00{SPACE}", SPACE)


def local(at: datetime, zone: str) -> datetime:
    """Return the moment as the shop's clock shows it."""
    return at.astimezone(ZoneInfo(zone))


def moment(at: datetime | None, zone: str) -> str:
    """Return a moment on the shop's clock: 23 Nov 2026, 14:05."""
    return NOTHING if at is None else f"{day(local(at, zone).date())}, {local(at, zone):%H:%M}"


def day(value: date) -> str:
    """Return a day: 23 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was: just now, 3 minutes ago, 2 days ago; or never."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    if seconds < 60:
        return "just now"
    for below, unit, size in ((3_600, "minute", 60), (86_400, "hour", 3_600), (60 * 86_400, "day", 86_400)):
        if seconds < below:
            return f"{plural(int(seconds // size), unit)} ago"
    months = round(seconds / (30.44 * 86_400))
    return f"{plural(months, 'month')} ago" if months < 24 else f"{plural(months // 12, 'year')} ago"


def days_of(zone: str, now: datetime, count: int) -> tuple[date, date]:
    """Return the half-open range of the shop's last `count` days, today included."""
    today = local(now, zone).date()
    return today - timedelta(days=count - 1), today + timedelta(days=1)


def variant(row: LevelRow) -> str:
    """Return what is sold: product, size and colour."""
    return DOT.join([row.product, *details(row)])


def product(row: LevelRow) -> str:
    """Return the product, with the colour where its name does not say it."""
    return f"{row.product}{DOT}{row.color}" if row.color and not says_colour(row) else row.product


def details(row: LevelRow) -> list[str]:
    """Return what tells a variant from its sisters: its size, and its colour where its name does not say it."""
    return ([f"size {row.size}"] if row.size else []) + ([row.color] if row.color and not says_colour(row) else [])


def says_colour(row: LevelRow) -> bool:
    """Return whether the name of the product tells the colour already."""
    return bool(row.color) and str(row.color).casefold() in row.product.casefold()


def moved(row: Movement) -> str:
    """Return the variant a movement is about."""
    return row.product + (f"{DOT}size {row.size}" if row.size else "")


def cover(days: float | None) -> str:
    """Return days of cover: how long what is available lasts at the recent rate."""
    if days is None:
        return NOTHING
    return "over a year" if days > 365 else plural(round(days), "day")


def status(row: LevelRow) -> str:
    """Return the state of a level in a word or two."""
    if not row.is_active:
        return "Inactive"
    return LEVEL_STATES[row.state]


def why(row: Movement) -> str:
    """Return a movement's type and reason, once where both say the same."""
    label = TYPE_LABELS[row.movement_type]
    return f"{label}{DOT}{row.reason_label}" if row.reason_label != label else label


def listing(names: list[str]) -> str:
    """Return names as a sentence lists them: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def plain(text: str) -> str:
    """Return `text` so that Markdown shows it letter by letter, whatever a product or a person is called."""
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", " ")


def short_moment(at: datetime, zone: str) -> str:
    """Return a moment where there is little room: 23 Nov, 14:05."""
    on_clock = local(at, zone)
    return f"{on_clock.day} {on_clock:%b, %H:%M}"
