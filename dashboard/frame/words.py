"""Labels, and how to write quantities, money, and times in the shop's time zone, as the reader writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.alerts.system import WATCH
from core.carts.values import minor_digits
from core.deliveries.reads import Expected
from core.foundation.model import COMMAND_LINE, LevelRow, LevelState, Movement, MovementType, Posted, Role
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import lazy, marked, noun, tr

UNDO_NOTE = marked("Undone right after it was posted")
RECEIPT_UNDO_NOTE = marked("The receipt was undone as a whole")
"""Notes that pages write. They are stored in English, so that two people with two languages do the same."""

MINUS, SPACE = formats.MINUS, formats.SPACE
NOTHING = "\N{EN DASH}"
ARROW = "\N{RIGHTWARDS ARROW}"
DOT = " \N{MIDDLE DOT} "
TIMES = "\N{MULTIPLICATION SIGN}"

_PARTS_OF_STOCKROOM = {COMMAND_LINE.name, WATCH.name}

TYPE_LABELS = lazy(
    {
        MovementType.PURCHASE: "Purchase",
        MovementType.SALE: "Sale",
        MovementType.RESTORATION: "Restoration",
        MovementType.ADJUSTMENT: "Adjustment",
        MovementType.COUNT: "Count",
    }
)
TYPE_PLURALS = lazy(
    {
        MovementType.PURCHASE: "Purchases",
        MovementType.SALE: "Sales",
        MovementType.RESTORATION: "Restorations",
        MovementType.ADJUSTMENT: "Adjustments",
        MovementType.COUNT: "Counts",
    }
)
LEVEL_STATES: dict[str, str] = lazy({LevelState.OUT: "Out", LevelState.LOW: "Low", LevelState.HEALTHY: "In stock"})
ROLE_LABELS = lazy(
    {
        Role.WAREHOUSE: "Warehouse",
        Role.SUPPORT: "Support",
        Role.MANAGER: "Manager",
        Role.ADMIN: "Admin",
    }
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:<>^=&])")
_UNSEEN_BREAK = ":color[]"
"""An empty span. Streamlit finds links, icons and arrows also where they are escaped, but not where one is inside."""
_LINKED = re.compile(
    r"(?<=:)(?!\s)(?<!\d:(?=\d\d(?![\w+-])))"  # http://, :smile:, :material/home:, but not 14:05
    r"|(?<=@)|(?<=www)"  # sam@shop.example, www.shop.example
    r"|(?<=[-<>~])(?=[-=>])",  # ->, <=
    re.IGNORECASE,
)
_BLANKS = re.compile("[\t-\r\x1c-\x1f \x85\u2028\u2029]+")  # not spaces that do not break
_UNSTORED = re.compile("[\0\ud800-\udfff]")


def number(value: float) -> str:
    """Return `value` with the reader's separators and a typographic minus sign: 1,234."""
    return formats.number(value)


def signed(units: int) -> str:
    """Return a change in units with its sign: +3, or ±0 for a count that found no variance."""
    return "±0" if units == 0 else f"{'+' if units > 0 else MINUS}{number(abs(units))}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: 1 variant, 12 variants."""
    return f"{number(count)}{SPACE}{noun(count, one, many or one + 's')}"


def units(count: int) -> str:
    """Return a quantity with its unit: 12 units."""
    return plural(count, "unit")


def signed_units(count: int) -> str:
    """Return a change with its sign and unit: +2 units."""
    return f"{signed(count)}{SPACE}{noun(count, 'unit', 'units')}"


def came_and_went(came: int, went: int) -> str:
    """Return units in and units out, each with its sign, without the one that is zero."""
    return listing([signed(units) for units in (came, -went) if units]) or signed(0)


def change(before: int, after: int) -> str:
    """Return a level before and after: 5 → 3."""
    return f"{number(before)}{SPACE}{ARROW}{SPACE}{number(after)}"


def levels(moved: Sequence[Posted]) -> str:
    """Return the levels before and after movements: A-1: 5 → 3, A-2: 2 → 1; of many the first five."""
    shown = ", ".join(f"{row.sku}: {change(row.quantity_before, row.quantity_after)}" for row in moved[:5])
    return tr("{shown} and {moved} more", shown=shown, moved=number(len(moved) - 5)) if len(moved) > 5 else shown


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount in the shop's currency: €1,284.30, ¥500, 12.00 CHF."""
    if amount is None:
        return NOTHING
    return formats.money(amount, currency, minor_digits(currency) and 2)


def round_money(amount: Decimal | None, currency: str) -> str:
    """Return an amount rounded to the whole currency unit: €1,284,300."""
    return NOTHING if amount is None else formats.money(amount.quantize(Decimal(1)), currency, 0)


def percent(share: float, digits: int = 0, *, fixed: bool = False) -> str:
    """Return a share as a percentage: 0.125 is 13%, with one digit 12.5%. `fixed`: 0.5 has that digit too, 50.0%."""
    return formats.percent(share, digits, fixed=fixed)


def local(at: datetime, zone: str) -> datetime:
    """Return the moment in the shop's time zone."""
    return at.astimezone(ZoneInfo(zone))


def moment(at: datetime | None, zone: str) -> str:
    """Return a moment in the shop's time zone: 23 Nov 2026, 14:05."""
    return NOTHING if at is None else f"{day(local(at, zone).date())}, {formats.clock(local(at, zone))}"


def day(value: date) -> str:
    """Return a day as the reader writes it: 23 Nov 2026, 23.11.2026."""
    return formats.day(value)


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was: just now, 3 minutes ago, 2 days ago; or never."""
    if at is None:
        return tr("never")
    seconds = (now - at).total_seconds()
    if seconds < 60:
        return tr("just now")
    units: tuple[tuple[int, formats.Unit, int], ...] = (
        (3_600, "minute", 60), (86_400, "hour", 3_600), (60 * 86_400, "day", 86_400),
    )  # fmt: skip
    for below, unit, size in units:
        if seconds < below:
            return formats.ago(int(seconds // size), unit)
    months = round(seconds / (30.44 * 86_400))
    return formats.ago(months, "month") if months < 24 else formats.ago(months // 12, "year")


def variant(row: LevelRow) -> str:
    """Return the name of a variant: product, size and colour."""
    return joined(sized(row.product, row.size), "" if says_colour(row) else row.color)


def product(row: LevelRow) -> str:
    """Return the product, with the colour if its name does not include it."""
    return joined(row.product, "" if says_colour(row) else row.color)


def says_colour(row: LevelRow) -> bool:
    """Return whether the product's name includes the colour."""
    return bool(row.color) and str(row.color).casefold() in row.product.casefold()


def sized(product: str, size: str | None) -> str:
    """Return a product with its size."""
    return joined(product, tr("size {size}", size=size) if size else "")


def cover(days: float | None) -> str:
    """Return days of cover: how long the available units last at the recent rate."""
    if days is None:
        return NOTHING
    return tr("over a year") if days > 365 else plural(round(days), "day")


def due(row: Expected | None) -> str:
    """Return what deliveries still bring of a variant, and when: +12, 3 Dec; or nothing."""
    if row is None:
        return ""
    units = signed(row.units)
    return f"{units}, {formats.short_day(row.next_on)}" if row.next_on else units


def status(row: LevelRow) -> str:
    """Return the label of a level's state."""
    if not row.is_active:
        return tr("Inactive")
    return LEVEL_STATES[row.state]


def why(row: Movement) -> str:
    """Return a movement's type and reason, or one of them if both have the same label."""
    label = TYPE_LABELS[row.movement_type]
    return f"{label}{DOT}{translated(row.reason_label)}" if row.reason_label != label else label


def listing(names: list[str]) -> str:
    """Return names as a list in a sentence: a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return tr("{first} and {last}", first=", ".join(names[:-1]), last=names[-1])


def plain(text: str) -> str:
    """Return `text` for Markdown, which then shows it letter by letter: no markup, no link, no icon, no symbol."""
    parts = _LINKED.split(_UNSTORED.sub("\N{REPLACEMENT CHARACTER}", _BLANKS.sub(" ", text)))
    return _UNSEEN_BREAK.join(_MARKDOWN.sub(r"\\\1", part) for part in parts)


def joined(*parts: str | None) -> str:
    """Return the parts that are not empty, with dots between them."""
    return DOT.join(filter(None, parts))


def short_moment(at: datetime, zone: str) -> str:
    """Return a moment without its year, for narrow columns: 23 Nov, 14:05."""
    on_clock = local(at, zone)
    return f"{formats.short_day(on_clock.date())}, {formats.clock(on_clock)}"


def who(name: str) -> str:
    """Return a person's name as it is, and the name of a part of Stockroom in the reader's language."""
    return translated(name) if name in _PARTS_OF_STOCKROOM else name


def note(text: str | None) -> str:
    """Return the note of a movement. One that a page wrote is in the reader's language."""
    return tr(text) if text in (UNDO_NOTE, RECEIPT_UNDO_NOTE) else text or ""
