"""Labels, and how to write quantities, money, and times in the shop's time zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.carts.values import minor_digits
from core.deliveries.reads import Expected
from core.foundation.model import LevelRow, LevelState, Movement, MovementType, Posted, Role

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
ARROW = "\N{RIGHTWARDS ARROW}"
DOT = " \N{MIDDLE DOT} "
TIMES = "\N{MULTIPLICATION SIGN}"
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
    """Return `value` with thousands separators and a typographic minus sign: 1,234."""
    return f"{value:,}".replace("-", MINUS)


def signed(units: int) -> str:
    """Return a change in units with its sign: +3, or ±0 for a count that found no variance."""
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
    """Return units in and units out, each with its sign, without the one that is zero."""
    return " and ".join(signed(units) for units in (came, -went) if units) or signed(0)


def change(before: int, after: int) -> str:
    """Return a level before and after: 5 → 3."""
    return f"{number(before)}{SPACE}{ARROW}{SPACE}{number(after)}"


def levels(moved: Sequence[Posted]) -> str:
    """Return the levels before and after movements: A-1: 5 → 3, A-2: 2 → 1; of many the first five."""
    shown = ", ".join(f"{row.sku}: {change(row.quantity_before, row.quantity_after)}" for row in moved[:5])
    return f"{shown} and {number(len(moved) - 5)} more" if len(moved) > 5 else shown


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount in the shop's currency: €1,284.30, ¥500, 12.00 CHF."""
    if amount is None:
        return NOTHING
    figure = f"{abs(amount):,.0f}" if minor_digits(currency) == 0 else f"{abs(amount):,.2f}"
    sign = MINUS if amount < 0 else ""
    return f"{sign}{_SYMBOLS[currency]}{figure}" if currency in _SYMBOLS else f"{sign}{figure}{SPACE}{currency}"


def round_money(amount: Decimal | None, currency: str) -> str:
    """Return an amount rounded to the whole currency unit: €1,284,300."""
    whole = None if amount is None else amount.quantize(Decimal(1))
    return money(whole, currency).removesuffix(".00").replace(f".00{SPACE}", SPACE)


def local(at: datetime, zone: str) -> datetime:
    """Return the moment in the shop's time zone."""
    return at.astimezone(ZoneInfo(zone))


def moment(at: datetime | None, zone: str) -> str:
    """Return a moment in the shop's time zone: 23 Nov 2026, 14:05."""
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


def variant(row: LevelRow) -> str:
    """Return the name of a variant: product, size and colour."""
    return joined(row.product, f"size {row.size}" if row.size else "", "" if says_colour(row) else row.color)


def product(row: LevelRow) -> str:
    """Return the product, with the colour if its name does not include it."""
    return joined(row.product, "" if says_colour(row) else row.color)


def says_colour(row: LevelRow) -> bool:
    """Return whether the product's name includes the colour."""
    return bool(row.color) and str(row.color).casefold() in row.product.casefold()


def sized(product: str, size: str | None) -> str:
    """Return a product with its size."""
    return joined(product, f"size {size}" if size else "")


def cover(days: float | None) -> str:
    """Return days of cover: how long the available units last at the recent rate."""
    if days is None:
        return NOTHING
    return "over a year" if days > 365 else plural(round(days), "day")


def due(row: Expected | None) -> str:
    """Return what deliveries still bring of a variant, and when: +12, 3 Dec; or nothing."""
    if row is None:
        return ""
    return f"+{row.units:,}, {row.next_on.day} {row.next_on:%b}" if row.next_on else f"+{row.units:,}"


def status(row: LevelRow) -> str:
    """Return the label of a level's state."""
    if not row.is_active:
        return "Inactive"
    return LEVEL_STATES[row.state]


def why(row: Movement) -> str:
    """Return a movement's type and reason, or one of them if both have the same label."""
    label = TYPE_LABELS[row.movement_type]
    return f"{label}{DOT}{row.reason_label}" if row.reason_label != label else label


def listing(names: list[str]) -> str:
    """Return names as a list in a sentence: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def plain(text: str) -> str:
    """Return `text` escaped, so that Markdown shows the names of products and people literally."""
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", " ")


def joined(*parts: str | None) -> str:
    """Return the parts that are not empty, with dots between them."""
    return DOT.join(filter(None, parts))


def short_moment(at: datetime, zone: str) -> str:
    """Return a moment without its year, for narrow columns: 23 Nov, 14:05."""
    on_clock = local(at, zone)
    return f"{on_clock.day} {on_clock:%b, %H:%M}"
