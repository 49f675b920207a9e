"""Addresses in the settings: of the database, and where messages go. No error repeats one: it may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from core.foundation.errors import InvalidSetting


def destinations(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The destinations of alerts by name, in small letters. Messages never repeat an address: it holds secrets."""
    found: dict[str, str] = {}
    for variable in sorted(environ):
        address = environ[variable].strip()
        if not variable.startswith(prefix) or not address:
            continue
        name = variable.removeprefix(prefix).lower()
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name == "orders" or name in found:
            raise InvalidSetting(
                f"{variable} cannot be the name of a destination: use letters, digits and underscores after "
                "STOCKROOM_NOTIFY_, each name once, and not ORDERS, which are mailed through STOCKROOM_MAIL_URL."
            )
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", address, re.IGNORECASE):
            raise InvalidSetting(f"{variable} is not an address of Apprise: it begins with the service, as in json://.")
        found[name] = address
    return found


def mail_url(address: str) -> str | None:
    """The account that order confirmations are mailed from. Messages never repeat it."""
    if address and not re.fullmatch(r"mailtos?://\S+", address, re.IGNORECASE):
        raise InvalidSetting("STOCKROOM_MAIL_URL is not a mail account: it begins with mailto:// or mailtos://.")
    return address or None


def public_url(address: str) -> str | None:
    """Where people open the dashboard, for links in messages."""
    address = address.rstrip("/")
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.netloc or "@" in address or parts.query):
        raise InvalidSetting("STOCKROOM_PUBLIC_URL is not where people open the dashboard: use https://stock.example.")
    return address or None


def libpq_url(url: str) -> str:
    """Return the address as PostgreSQL's own programs and its driver read it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
