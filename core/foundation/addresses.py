"""URLs in the settings: of database, dashboard and message services. Errors never show one, as it may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.foundation.errors import InvalidSetting

MOST_REPLICAS = 8
IDENTITY_BACK = "/sign-in/oidc/back"
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """The shop's own identity provider, and the address to which it sends people back. The repr has no secret."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    back: str


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


def identity_provider(issuer: str, client_id: str, client_secret: str, home: str | None) -> IdentityProvider | None:
    """Return the identity provider, or None if nothing of it is set. Raises InvalidSetting."""
    if not (issuer or client_id or client_secret):
        return None
    if not (issuer and client_id and client_secret):
        raise InvalidSetting(
            "STOCKROOM_OIDC_ISSUER, STOCKROOM_OIDC_CLIENT_ID and STOCKROOM_OIDC_CLIENT_SECRET belong together: set all "
            "of them, or none."
        )
    parts = urlsplit(issuer)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)):
        raise InvalidSetting("STOCKROOM_OIDC_ISSUER is not the URL of an identity provider: begin it with https://.")
    if home is None:
        raise InvalidSetting("STOCKROOM_OIDC_ISSUER needs STOCKROOM_PUBLIC_URL, where the provider sends people back.")
    return IdentityProvider(issuer=issuer, client_id=client_id, client_secret=client_secret, back=home + IDENTITY_BACK)


def origins(text: str) -> tuple[str, ...]:
    """Return the origins that may call the API from a browser: scheme, host and port, and nothing after them."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise InvalidSetting(f"STOCKROOM_CORS_ORIGINS has {origin!r}: name sites such as https://shop.example.")
    return found


def libpq_url(url: str) -> str:
    """Return the URL in the form that PostgreSQL's own programs and its driver read."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
