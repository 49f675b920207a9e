"""What several parts of the Counts page share: labels, the names of lines, and percentages."""

from __future__ import annotations

from decimal import Decimal

from core.counts.sessions import Scope, Session, State
from core.foundation.model import Shop
from dashboard.frame import lists, words
from dashboard.language.texts import lazy, marked, tr

PARAM = "count"
NEW = "new_count"
STATES = lazy(
    {
        State.COUNTING: "Counting",
        State.PAUSED: "Paused",
        State.REVIEW: "In review",
        State.APPLIED: "Applied",
        State.CANCELLED: "Cancelled",
        State.UNDONE: "Undone",
    }
)
STATE_COLOURS = marked(
    {
        "Counting": "blue",
        "Paused": "gray",
        "In review": "orange",
        "Applied": "green",
        "Cancelled": "gray",
        "Undone": "gray",
    }
)
SCOPES = lazy(
    {
        Scope.EVERYTHING: "Everything",
        Scope.BRAND: "A brand",
        Scope.PRODUCT: "Products",
        Scope.SIZE_RUNS: "Broken size runs",
        Scope.LIST: "A list of SKUs",
        Scope.NOT_COUNTED: "Not counted for some days",
        Scope.MOST_VALUABLE: "The most valuable tenth",
    }
)


def open_count(count_id: int | None) -> None:
    """Open a session in place of the list, or the list."""
    lists.put(NEW, None)
    lists.put(PARAM, count_id)


def scope(session: Session) -> str:
    """Return what a session covers, in words."""
    if session.scope is Scope.BRAND:
        return session.scope_value or ""
    if session.scope is Scope.NOT_COUNTED:
        return tr("Not counted for {scope_value} days", scope_value=session.scope_value)
    return SCOPES[session.scope]


def progress(session: Session) -> str:
    """Return how many lines are counted."""
    return tr("{counted} of {lines}", counted=words.number(session.counted), lines=words.plural(session.lines, "line"))


def named(sku: str, product: str, size: str | None, color: str | None) -> str:
    """Return a variant with its product, size and colour."""
    shown = None if color and color.casefold() in product.casefold() else color
    return words.joined(sku, product, tr("size {size}", size=size) if size else None, shown)


def money(value: Decimal | None, shop: Shop) -> str:
    """Return an amount with its sign, or nothing."""
    if value is None:
        return words.NOTHING
    sign = "" if value == 0 else "+" if value > 0 else words.MINUS
    return f"{sign}{words.money(abs(value), shop.currency)}"


def percent(share: float | None) -> str:
    """Return a percentage; 100 % only if nothing was off."""
    if share is None:
        return words.NOTHING
    return words.percent(1) if share == 100 else words.percent(min(share, 99.9) / 100, 1, fixed=True)
