"""The shop's own settings: its name, the time zone in which its days begin and end, its currency."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from zoneinfo import available_timezones

from sqlalchemy import Connection, text

from core.database import engine as database
from core.foundation.errors import invalid
from core.foundation.model import Actor, Shop
from core.ledger import reports
from core.people import passwords
from core.people.access import Permission
from core.people.accounts import ACTOR, identity, scalar
from core.people.guard import require

DEFAULT_ZONE = "UTC"
"""The zone of a new shop, until somebody chooses its own."""

_CURRENCIES = Path(__file__).with_name("currencies.csv")
_REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
_CHANGE = text(f"select stockroom_api.change_shop({ACTOR}, :shop_name, :zone, :currency)")


def settings(connection: Connection, actor: Actor) -> Shop:
    """Return the shop to somebody who may change it. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_SHOP)
    return reports.shop(connection, actor)


@database.one_statement
def change_shop(
    connection: Connection,
    actor: Actor,
    *,
    name: str | None = None,
    zone: str | None = None,
    currency: str | None = None,
) -> bool:
    """Change the shop's name, time zone or currency; None keeps what there is. Returns whether its days have moved.

    With another zone every day is summed anew in the same transaction; postings wait for that, or say that they cannot.
    Raises InvalidInput, Forbidden, SignInRequired, and Unavailable while a long import is running.
    """
    values = {
        "shop_name": None if name is None else passwords.clean_name(name),
        "zone": None if zone is None else _zone(zone),
        "currency": None if currency is None else _currency(currency),
    }
    return scalar(connection, _CHANGE, **identity(actor, Permission.MANAGE_SHOP), **values) is True


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Return the zones to choose from: a region with its city, and UTC."""
    return (*sorted(zone for zone in available_timezones() if zone.partition("/")[0] in _REGIONS), DEFAULT_ZONE)


@lru_cache(maxsize=1)
def currencies() -> dict[str, str]:
    """Return the currencies in use, code and name (ISO 4217)."""
    with _CURRENCIES.open(encoding="utf-8", newline="") as rows:
        return {row["code"]: row["name"] for row in csv.DictReader(rows)}


def _zone(name: str) -> str:
    known = {zone.lower(): zone for zone in available_timezones()}
    if name.strip().lower() not in known:
        raise invalid("time zone", f'"{name.strip()[:60]}" is not one; use a region and a city, such as Europe/Berlin')
    return known[name.strip().lower()]


def _currency(code: str) -> str:
    if code.strip().upper() not in currencies():
        raise invalid("currency", f'"{code.strip()[:60]}" is not one; use its three letters, such as EUR')
    return code.strip().upper()
