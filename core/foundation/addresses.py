"""URLs in the settings: of database, dashboard and message services. Errors never show one, as it may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from core.foundation.errors import InvalidSetting

MOST_REPLICAS = 8


def destinations(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the URLs of the alert destinations by name, in lower case. Raises InvalidSetting."""
    found: dict[str, str] = {}
    for variable in sorted(environ):
        address = environ[variable].strip()
        if not variable.startswith(prefix) or not address:
            continue
        name = variable.removeprefix(prefix).lower()
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name == "orders" or name in found:
            raise InvalidSetting(
                f"{variable} is not a valid name of a destination: use letters, digits and underscores after "
                "STOCKROOM_NOTIFY_, each name once. ORDERS is reserved: STOCKROOM_MAIL_URL mails order confirmations."
            )
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", address, re.IGNORECASE):
            raise InvalidSetting(f"{variable} is not an Apprise URL: begin it with the service, as in json://.")
        found[name] = address
    return found


def read_urls(name: str, text: str, checked: Callable[[str, str], str]) -> tuple[str, ...]:
    """Return the URLs of the replicas, which spaces separate: one server each, at most `MOST_REPLICAS`."""
    if "," in text:
        raise InvalidSetting(f"{name} has a comma: separate URLs by spaces, and name one server in each.")
    urls = tuple(checked(name, each) for each in text.split())
    if len(urls) > MOST_REPLICAS:
        raise InvalidSetting(f"{name} names {len(urls)} replicas: name at most {MOST_REPLICAS}.")
    return urls


def mail_url(address: str) -> str | None:
    """Return the URL of the mail account for order confirmations, or None if it is empty."""
    if address and not re.fullmatch(r"mailtos?://\S+", address, re.IGNORECASE):
        raise InvalidSetting("STOCKROOM_MAIL_URL is not a mail account: begin it with mailto:// or mailtos://.")
    return address or None


def public_url(address: str) -> str | None:
    """Return the URL of the dashboard for links in messages, or None if it is empty."""
    address = address.rstrip("/")
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.netloc or "@" in address or parts.query):
        raise InvalidSetting("STOCKROOM_PUBLIC_URL is not the URL of a dashboard: use the form https://stock.example.")
    return address or None


def libpq_url(url: str) -> str:
    """Return the URL in the form that PostgreSQL's own programs and its driver read."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def stripe_api_base(written: str, is_live: bool) -> str | None:
    """Return the URL of another server than Stripe's own, such as a fake for tests. A live key needs https."""
    text = written.rstrip("/")
    if not text:
        return None
    try:
        url = urlsplit(text)
        fits = (
            url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not (url.query + url.fragment)
        )
    except ValueError:
        fits = False
    if not fits or "@" in text:
        raise InvalidSetting("STRIPE_API_BASE is not the URL of a server: use the form http://127.0.0.1:8420.")
    if text.startswith("http:") and is_live:
        raise InvalidSetting(
            "STRIPE_API_BASE begins with http://, over which others could read your live key: use https://."
        )
    return text
