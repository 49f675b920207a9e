"""Other ways to sign in than a password, as the settings of the site allow them."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from urllib.parse import urlencode

from core.foundation.addresses import IdentityProvider
from core.foundation.settings import load_settings
from core.people.factors.passkeys import Site, site_of
from dashboard.language.texts import tr


@lru_cache(maxsize=1)
def site() -> Site | None:
    """Return the site for which browsers make passkeys, or None."""
    return site_of(load_settings().public_url)


@lru_cache(maxsize=1)
def provider() -> IdentityProvider | None:
    """Return the shop's own identity provider, or None."""
    return load_settings().identity


def links(next_path: str) -> str:
    """Return the links of the sign-in form to other ways."""
    passkey = _link("/sign-in/passkey", next_path, tr("Sign in with a passkey")) if site() else ""
    return passkey + (_link("/sign-in/oidc", next_path, tr("Sign in with your work account")) if provider() else "")


def _link(path: str, next_path: str, label: str) -> str:
    query = following(next_path)
    return f'<p><a class="button quiet" href="{escape(path + query)}">{escape(label)}</a></p>'


def following(next_path: str) -> str:
    """Return the query with which a page leads to `next_path` afterwards."""
    return "" if next_path == "/" else f"?{urlencode({'next': next_path}, safe='/')}"
