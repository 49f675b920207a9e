"""What every screen has: the shop, a number that grows with every change, and a fallback for an outdated cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict, TypeVar

from sqlalchemy import Connection

from core.foundation.errors import InvalidInput
from core.foundation.model import Actor, Shop
from core.ledger import reports

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the screens have in common. `latest` is read first, so that any later change makes a live page reload."""

    latest: int
    shop: Shop


class Head(TypedDict):
    """The values of a `Screen`."""

    latest: int
    shop: Shop


def head(connection: Connection, actor: Actor) -> Head:
    """Return what every screen begins with."""
    return Head(latest=reports.latest_movement(connection, actor), shop=reports.shop(connection, actor))


def page_at(read: Callable[[str | None], _T], cursor: str | None) -> tuple[_T, bool]:
    """Return the page at a cursor, or the first page and True where the cursor is of another list."""
    try:
        return read(cursor), False
    except InvalidInput:
        return read(None), True
