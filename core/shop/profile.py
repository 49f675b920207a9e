"""The shop's name, its currency, and the time zone in which its days begin and end."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from zoneinfo import available_timezones

from sqlalchemy import Connection

from core.database import engine as database
from core.foundation.errors import invalid
from core.foundation.model import Actor, Shop
from core.foundation.text import clean_line
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import ask, require
from core.people.passwords import LONGEST_NAME

DEFAULT_ZONE = "UTC"
"""The time zone of a new shop until an admin chooses one."""

_CURRENCIES = Path(__file__).with_name("currencies.csv")
_REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


def settings(connection: Connection, actor: Actor) -> Shop:
    """Return the shop, for an admin who may change it. Raises Forbidden, SignInRequired."""
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
    """Change the shop's name, time zone or currency; None changes nothing. Return whether its days have moved.

    Another zone sums every day again in the same transaction; postings wait for it or raise Unavailable.
    Raises InvalidInput, Forbidden, SignInRequired, and Unavailable while a long import is running.
    """
    values = {
        "shop_name": None if name is None else clean_line(name, "name", LONGEST_NAME),
        "zone": None if zone is None else _zone(zone),
        "currency": None if currency is None else _currency(currency),
    }
    return ask(connection, actor, Permission.MANAGE_SHOP, "change_shop", **values)[0][0] is True


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Return the time zones to choose from: region and city, and UTC."""
    return (*sorted(zone for zone in available_timezones() if zone.partition("/")[0] in _REGIONS), DEFAULT_ZONE)


@lru_cache(maxsize=1)
def currencies() -> dict[str, str]:
    """Return the currencies in use by code, with their names (ISO 4217)."""
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
