"""Notices a proxy in front that the settings do not name. Behind one, all visitors share one address.

Then the limit of wrong passwords of an address is one for everybody, and cookies are not marked as for https. Only
requests of signed-in people count: anybody can send such a header.
"""

from __future__ import annotations

import logging
from functools import lru_cache

from starlette.requests import HTTPConnection

from core.foundation.settings import load_settings

log = logging.getLogger("stockroom")
_HEADERS = ("x-forwarded-for", "forwarded")
_noticed: str | None = None


def notice(request: HTTPConnection) -> None:
    """Remember the address of a proxy that is not named, and log it once."""
    global _noticed
    if _noticed is None and any(name in request.headers for name in _HEADERS) and _none_is_named():
        _noticed = request.client.host if request.client else "?"
        log.warning(
            "Requests arrive through a proxy at %s that STOCKROOM_TRUSTED_PROXIES does not name: all visitors count as "
            "one address, so thirty wrong passwords of a stranger stop every new browser from signing in.",
            _noticed,
        )


def unnamed() -> str | None:
    """Return the address of a proxy that was noticed and is not named, or None."""
    return _noticed


@lru_cache(maxsize=1)
def _none_is_named() -> bool:
    return not load_settings().trusted_proxies
